import type { Packet } from '../packet/packet.ts';
import { flowKey } from './flow-key.ts';
import type { SegmentRun } from './guest-link.ts';
import { SegmentWriter, type OutgoingSegment } from './segment-writer.ts';
import { tcpFlags, type Segment } from './segment.ts';
import { SendBuffer } from './send-buffer.ts';

const nothing = new SendBuffer();
/** The numbers are far from those of nearly every connection. */
const strange: OutgoingSegment = {
  ...{ flags: tcpFlags.ack, sequence: 0, acknowledged: 0, window: 0 },
  ...{ options: Buffer.alloc(0), offset: 0, length: 0 },
};

/**
 * The connections that an earlier process had, and of which the guest does not know that they have ended. It would not notice if
 * it only waits for more, so it is asked: it answers a segment that does not fit with an acknowledgement (RFC 9293, 3.10.7.4), and
 * gets a reset for that.
 */
export class LostConnections {
  readonly #run: SegmentRun;
  readonly #keys = new Set<string>();

  constructor(run: SegmentRun) {
    this.#run = run;
  }

  /** Asks the guest. @param opening its SYN */
  add(opening: Packet): void {
    this.#keys.add(flowKey(opening));
    this.#run.add(new SegmentWriter(opening), strange, nothing);
  }

  /** The guest opens such a connection anew. */
  forget(key: string): void {
    this.#keys.delete(key);
  }

  /** Answers a segment of such a connection with a reset. @returns false if it is not one of these */
  answer(key: string, packet: Packet, { acknowledged, flags }: Segment): boolean {
    if (!this.#keys.has(key)) return false;
    const reset = { ...strange, flags: tcpFlags.rst, sequence: acknowledged };
    if ((flags & (tcpFlags.ack | tcpFlags.rst)) === tcpFlags.ack)
      this.#run.add(new SegmentWriter(packet), reset, nothing);
    return true;
  }

  clear(): void {
    this.#keys.clear();
  }
}
