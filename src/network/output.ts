import type { Socket } from 'node:net';
import { ByteQueue } from '../sys/byte-queue.ts';
import { u32 } from './packet/bytes.ts';
import { lengthBytes } from './packet/frame-decoder.ts';

/** Bytes that wait for an adapter that does not keep up, such as that of a paused guest. What comes then is lost. */
const maxWaiting = 1024 * 1024;
/** A receiver with so many bytes waiting is behind, until no more than those are left. */
const [behindBytes, caughtUpBytes] = [256 * 1024, 64 * 1024];
/** Bytes of one write at least, if more wait. What is being written counts as waiting until all of it is written. */
const blockBytes = 64 * 1024;

/** Takes frames, each with its length in front, in runs as they follow each other in a stream. */
export interface Outlet {
  /** @returns how many of the frames were lost, because the receiver does not keep up or is not there */
  write(run: Buffer, frames: number): number;
  /** Whether memory of a run is still needed after `write`, which must not be written to until then. */
  readonly isHolding: boolean;
  /** Whether much waits for the receiver. */
  readonly isBehind: boolean;
  /** Calls back once, when little waits any more; not if the connection ends before. */
  whenCaughtUp(callback: () => void): void;
  /** Stops and continues to take what the other side sends. */
  pause(): void;
  resume(): void;
}

/** How many bytes the first frames of a run have. */
export function runLength(run: Buffer, frames: number): number {
  let bytes = 0;
  for (let count = 0; count < frames; count += 1) bytes += lengthBytes + u32(run, bytes);
  return bytes;
}

/** How many frames of a run fit in `room` bytes. */
function fitting(run: Buffer, frames: number, room: number): number {
  let [bytes, count] = [0, 0];
  while (count < frames) {
    bytes += lengthBytes + u32(run, bytes);
    if (bytes > room) break;
    count += 1;
  }
  return count;
}

/**
 * Writes to a socket, of which it keeps little waiting. What the socket takes at once is written without a copy; what has to
 * wait is copied, because a small piece would keep the whole buffer that it came in.
 */
export class SocketOutlet implements Outlet {
  readonly #socket: Socket;
  /** What waits, the oldest first: full blocks, and the one that is being filled. */
  readonly #blocks: Buffer[] = [];
  readonly #last = new ByteQueue();
  #blocked = 0;
  readonly #onCaughtUp: (() => void)[] = [];
  isHolding = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get isBehind(): boolean {
    return this.#waiting > behindBytes;
  }

  whenCaughtUp(callback: () => void): void {
    this.#onCaughtUp.push(callback);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  get #waiting(): number {
    return this.#blocked + this.#last.length + this.#socket.writableLength;
  }

  write(run: Buffer, frames: number): number {
    const room = maxWaiting - this.#waiting;
    if (run.length <= room) {
      this.#send(run);
      return 0;
    }
    const count = fitting(run, frames, room);
    if (count > 0) this.#send(run.subarray(0, runLength(run, count)));
    return frames - count;
  }

  #send(run: Buffer): void {
    // What waits comes first, even if the socket is free already.
    if (this.#waiting === 0) {
      this.#socket.write(run, this.#written);
      this.isHolding = this.#socket.writableLength > 0;
      return;
    }
    this.#last.push(Buffer.from(run));
    if (this.#last.length < blockBytes) return;
    this.#blocked += this.#last.length;
    this.#blocks.push(this.#last.take());
  }

  readonly #written = (error?: Error | null): void => {
    if (error || this.#socket.writableLength > 0) return;
    this.isHolding = false;
    if (this.#waiting <= caughtUpBytes) for (const callback of this.#onCaughtUp.splice(0)) callback();
    const block = this.#blocks.shift();
    if (block) this.#blocked -= block.length;
    else if (this.#last.length === 0) return;
    this.#socket.write(block ?? this.#last.take(), this.#written);
  };
}
