import { deferred } from '../../core/deferred.ts';
import { PcapSplitter } from '../../network/pcap.ts';

/** The most bytes that wait for a slow client. More frames are left out: the engine, which writes them, must not wait. */
const maxWaiting = 16 * 1024 * 1024;

/** The frames between an engine, which never waits, and a client, which may be slow. */
export class CaptureQueue {
  readonly #splitter = new PcapSplitter();
  readonly #maxBytes: number;
  readonly #maxWaiting: number;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #wake = deferred();
  #ended = false;
  #parts = 0;
  #bytes = 0;
  #dropped = 0;
  #isFull = false;

  /** @param maxBytes of the whole file; Infinity for no limit */
  constructor(maxBytes: number, waiting = maxWaiting) {
    this.#maxBytes = maxBytes;
    this.#maxWaiting = waiting;
  }

  /** Frames without the header of the file. */
  get frames(): number {
    return Math.max(0, this.#parts - 1);
  }

  get bytes(): number {
    return this.#bytes;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** The next frame would exceed the limit of the file. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** What the engine has written. @throws Error when it is not a pcap file */
  push(chunk: Buffer): void {
    for (const part of this.#splitter.push(chunk)) this.#add(part);
    this.#wake.resolve();
  }

  #add(part: Buffer): void {
    if (this.#isFull || this.#bytes + part.length > this.#maxBytes) {
      this.#isFull = true;
    } else if (this.#waitingBytes + part.length > this.#maxWaiting) {
      this.#dropped += 1;
    } else {
      this.#waiting.push(part);
      this.#waitingBytes += part.length;
      this.#bytes += part.length;
      this.#parts += 1;
    }
  }

  /** Nothing more comes. */
  end(): void {
    this.#ended = true;
    this.#wake.resolve();
  }

  /** All that waits, as soon as something does; undefined at the end. */
  async take(): Promise<Buffer | undefined> {
    while (this.#waiting.length === 0 && !this.#ended) {
      this.#wake = deferred();
      await this.#wake.promise;
    }
    const taken = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    return taken.length === 0 ? undefined : Buffer.concat(taken);
  }
}
