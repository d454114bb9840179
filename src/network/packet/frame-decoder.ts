import { u32 } from './bytes.ts';

/** Bytes of the length before each frame in QEMU's stream. */
export const lengthBytes = 4;

/** No engine sends more (QEMU's NET_BUFSIZE is 68 KiB): a larger number means that the stream is out of step. */
const maxStreamFrame = 0x1_2000;

/** Receives what a decoder finds. Positions are those in `buffer`, which the caller of `push` may use again later. */
export interface FrameSink {
  /** A frame with its length in front: `buffer[start]` is the first byte of the length, `buffer[end - 1]` the last of the frame. */
  frame(buffer: Buffer, start: number, end: number): void;
  /** A frame longer than allowed was left out. */
  oversize(): void;
}

/**
 * Splits a stream of frames (u32 length, then the frame) as it arrives. Frames that are whole in a chunk are not copied; one
 * that continues in the next chunk is.
 */
export class FrameDecoder {
  /** Of a frame with its length. */
  #maxBytes: number;
  /** The begun frame: its bytes so far, of which the first `#filled` are valid. Without its length yet, only four fit. */
  #partial: Buffer | null = null;
  #filled = 0;
  /** Bytes of an oversize frame that are still to come. */
  #skip = 0;

  /** @param maxFrame longest frame in bytes, without its length */
  constructor(maxFrame: number) {
    this.#maxBytes = maxFrame + lengthBytes;
  }

  set maxFrame(bytes: number) {
    this.#maxBytes = bytes + lengthBytes;
  }

  /** Forgets a frame that is not whole: the stream begins anew. */
  reset(): void {
    this.#partial = null;
    this.#filled = 0;
    this.#skip = 0;
  }

  /** @returns false if the stream is out of step: it cannot be read any more */
  push(chunk: Buffer, sink: FrameSink): boolean {
    let at = this.#begin(chunk, sink);
    while (at !== -1 && chunk.length - at >= lengthBytes) {
      const end = at + lengthBytes + u32(chunk, at);
      if (end - at > this.#maxBytes) {
        at = this.#leaveOut(chunk, at, end, sink);
      } else if (end > chunk.length) {
        this.#keep(chunk, at, end - at);
        return true;
      } else {
        sink.frame(chunk, at, end);
        at = end;
      }
    }
    if (at === -1) return false;
    if (at < chunk.length) this.#keep(chunk, at, lengthBytes);
    return true;
  }

  /** Uses what belongs to the frame that an earlier chunk began. @returns where the next one begins, or -1 */
  #begin(chunk: Buffer, sink: FrameSink): number {
    let at = Math.min(this.#skip, chunk.length);
    this.#skip -= at;
    while (this.#partial) {
      const { length } = this.#partial;
      const take = Math.min(length - this.#filled, chunk.length - at);
      chunk.copy(this.#partial, this.#filled, at, at + take);
      this.#filled += take;
      at += take;
      if (this.#filled < length) return at;
      const whole = this.#partial;
      this.#partial = null;
      const size = lengthBytes + u32(whole, 0);
      if (size > this.#maxBytes) return this.#leaveOut(chunk, at, at + size - lengthBytes, sink);
      if (size === whole.length) sink.frame(whole, 0, size);
      else this.#keep(whole, 0, size);
    }
    return at;
  }

  #leaveOut(chunk: Buffer, at: number, end: number, sink: FrameSink): number {
    if (end - at > maxStreamFrame + lengthBytes) return -1;
    sink.oversize();
    this.#skip = Math.max(0, end - chunk.length);
    return Math.min(end, chunk.length);
  }

  #keep(chunk: Buffer, at: number, size: number): void {
    this.#partial = Buffer.allocUnsafeSlow(size);
    this.#filled = chunk.copy(this.#partial, 0, at);
  }
}
