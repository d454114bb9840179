import { FrameBlock } from './frame-block.ts';
import type { OutgoingSegment, SegmentWriter } from './segment-writer.ts';
import type { SendBuffer } from './send-buffer.ts';

/** The way to a guest. */
export interface GuestLink {
  /** Whether much waits for the guest. */
  readonly isBehind: boolean;
  /** Calls back once, when little waits any more. */
  whenCaughtUp(callback: () => void): void;
  /** Sends a frame with its length in front. The memory is needed until `flush`. */
  send(buffer: Buffer, start: number, end: number): void;
  /** Writes what was sent. @returns whether the memory is needed for longer */
  flush(): boolean;
}

/** Puts the segments for a guest together, in runs. */
export class SegmentRun {
  readonly link: GuestLink;
  readonly #block = new FrameBlock();

  constructor(link: GuestLink) {
    this.link = link;
  }

  add(writer: SegmentWriter, segment: OutgoingSegment, data: SendBuffer): void {
    const bytes = writer.frameBytes(segment);
    let start = this.#block.reserve(bytes);
    if (start === -1) {
      this.flush();
      start = this.#block.reserve(bytes);
    }
    writer.write(this.#block, start, segment, data);
    this.link.send(this.#block.bytes, start, start + bytes);
  }

  flush(): void {
    if (!this.#block.isEmpty) this.#block.written(this.link.flush());
  }
}
