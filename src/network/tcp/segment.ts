import { u16, u32, u8 } from '../packet/bytes.ts';
import type { Packet } from '../packet/packet.ts';
import type { Sequence } from './sequence.ts';

export const tcpFlags = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const;
export const tcpHeader = 20;

const options = { end: 0, none: 1, mss: 2, windowScale: 3 } as const;
/** RFC 7323, 2.3: larger ones count as this. */
const maxScale = 14;

/** A TCP segment of a guest. One object is used for one after the other, so that reading allocates nothing. */
export class Segment {
  sequence: Sequence = 0;
  acknowledged: Sequence = 0;
  flags = 0;
  /** As it stands in the header, not yet scaled. */
  window = 0;
  buffer: Buffer = Buffer.alloc(0);
  dataStart = 0;
  dataEnd = 0;
  /** Of a SYN: the options for the largest segment and the scale of windows; null without. */
  mss: number | null = null;
  windowScale: number | null = null;

  /** Reads a segment that is not a fragment. @returns false if it is shorter than its headers say */
  read({ buffer, transport, transportEnd }: Packet): boolean {
    const header = (u8(buffer, transport + 12) >>> 4) * 4;
    if (header < tcpHeader || transport + header > transportEnd) return false;
    this.buffer = buffer;
    this.sequence = u32(buffer, transport + 4);
    this.acknowledged = u32(buffer, transport + 8);
    this.flags = u8(buffer, transport + 13);
    this.window = u16(buffer, transport + 14);
    this.dataStart = transport + header;
    this.dataEnd = transportEnd;
    this.mss = null;
    this.windowScale = null;
    if (this.has(tcpFlags.syn)) this.#readOptions(transport + tcpHeader);
    return true;
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  get length(): number {
    return this.dataEnd - this.dataStart;
  }

  #readOptions(start: number): void {
    for (let at = start; at < this.dataStart;) {
      const kind = u8(this.buffer, at);
      if (kind === options.end) return;
      const length = kind === options.none ? 1 : u8(this.buffer, at + 1);
      if (length === 0 || at + length > this.dataStart || (length === 1 && kind !== options.none)) return;
      if (kind === options.mss && length === 4) this.mss = u16(this.buffer, at + 2);
      if (kind === options.windowScale && length === 3)
        this.windowScale = Math.min(u8(this.buffer, at + 2), maxScale);
      at += length;
    }
  }
}
