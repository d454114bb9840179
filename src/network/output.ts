import type { Socket } from 'node:net';
import { ByteQueue } from '../sys/byte-queue.ts';
import { u32 } from './packet/bytes.ts';
import { lengthBytes } from './packet/frame-decoder.ts';

/** Bytes that wait for an adapter that does not keep up, such as that of a paused guest. What comes then is lost. */
const maxWaiting = 1024 * 1024;

/** Takes frames, each with its length in front, in runs as they follow each other in a stream. */
export interface Outlet {
  /** @returns how many of the frames were lost, because the receiver does not keep up or is not there */
  write(run: Buffer, frames: number): number;
}

/** How many bytes of a run are whole frames and fit in `room`, and how many frames do not. */
function fitting(
  run: Buffer,
  frames: number,
  room: number,
): { readonly bytes: number; readonly lost: number } {
  let [bytes, lost] = [0, frames];
  while (lost > 0) {
    const next = bytes + lengthBytes + u32(run, bytes);
    if (next > room) break;
    bytes = next;
    lost -= 1;
  }
  return { bytes, lost };
}

/**
 * Writes to a socket, of which it keeps little waiting. What the socket takes at once is written without a copy; what has to
 * wait is copied, because a small piece would keep the whole chunk that it came in.
 */
export class SocketOutlet implements Outlet {
  readonly #socket: Socket;
  readonly #waiting = new ByteQueue();

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  write(run: Buffer, frames: number): number {
    const room = maxWaiting - this.#waiting.length - this.#socket.writableLength;
    if (run.length <= room) {
      this.#send(run);
      return 0;
    }
    const { bytes, lost } = fitting(run, frames, room);
    if (bytes > 0) this.#send(run.subarray(0, bytes));
    return lost;
  }

  #send(run: Buffer): void {
    if (this.#waiting.length > 0 || this.#socket.writableLength > 0) this.#waiting.push(run);
    else this.#socket.write(run, this.#written);
  }

  readonly #written = (error?: Error | null): void => {
    if (error || this.#waiting.length === 0 || this.#socket.writableLength > 0) return;
    this.#socket.write(this.#waiting.take(), this.#written);
  };
}
