import type { Flow } from './flow.ts';
import type { SegmentRun } from './guest-link.ts';
import type { HostConnection } from './host-connection.ts';
import type { SegmentWriter } from './segment-writer.ts';

/** A connection of a guest with that of the host: leads what one side has sent to the other. */
export class Session {
  /** Between which ports and addresses. */
  readonly key: string;
  readonly flow: Flow;
  /** The guest's SYN, as a frame. */
  readonly opening: Buffer;
  readonly #writer: SegmentWriter;
  host: HostConnection | null = null;
  /** Counts as one that is not open yet. */
  isHalfOpen = true;
  /** The host was told to send no more for now. */
  isPaused = false;
  /** When its timer rings, in milliseconds of the clock. */
  wakeAt = Number.POSITIVE_INFINITY;

  constructor(key: string, flow: Flow, opening: Buffer, writer: SegmentWriter) {
    this.key = key;
    this.flow = flow;
    this.opening = opening;
    this.#writer = writer;
  }

  /** Bytes of the host came for the guest. */
  received(bytes: Buffer, share: number): void {
    const { buffer } = this.flow.sender;
    buffer.push(bytes);
    this.isPaused = buffer.length >= share;
  }

  /** Whether nothing is to come any more, or nothing has come for so long that it counts as such. */
  isForgotten(now: number): boolean {
    return this.flow.isForgotten(now) && (this.flow.state !== 'ended' || this.host?.waiting === 0);
  }

  /** Gives the host what the guest has sent. */
  forward(): void {
    const { flow, host } = this;
    const received = flow.receiver.take();
    if (received.length > 0) host?.write(Buffer.concat(received));
    if (flow.takeEnd()) host?.end();
  }

  /**
   * Sends the guest what there is for it.
   * @param share bytes that may wait in each direction
   * @returns false if some of it has to wait, because the guest does not keep up
   */
  send(run: SegmentRun, share: number, now: number): boolean {
    const { flow, host } = this;
    const room = share - (host?.waiting ?? 0);
    while (!run.link.isBehind) {
      const segment = flow.take(room, now);
      if (segment === undefined) {
        this.#resume(share);
        return true;
      }
      run.add(this.#writer, segment, flow.sender.buffer);
    }
    return false;
  }

  #resume(share: number): void {
    if (!this.isPaused || this.flow.sender.buffer.length > share / 2) return;
    this.isPaused = false;
    this.host?.resume();
  }
}
