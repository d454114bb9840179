/** What a person reads of a connection. */
export interface Reading {
  /** Pictures a second. */
  readonly frames: number;
  /** Bytes a second. */
  readonly bytes: number;
  /** Milliseconds from a key or a click to the next picture: the median of the last ones; undefined if there was none. */
  readonly answerMs: number | undefined;
}

/** Types of messages of RFB from a client (RFC 6143, and QEMU's own): a request for the next picture, a key, a pointer. */
const messages = { next: 3, key: 4, pointer: 5, qemu: 255 } as const;
const maxAnswers = 9;

/** Measures a connection to a screen by what goes through it. */
export class Meter {
  readonly #now: () => number;
  readonly #answers: number[] = [];
  #since: number;
  #frames = 0;
  #bytes = 0;
  #asked: number | undefined;

  /** @param now milliseconds of a clock that never jumps */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#since = now();
  }

  received(bytes: number): void {
    this.#bytes += bytes;
    if (this.#asked === undefined) return;
    this.#answers.push(this.#now() - this.#asked);
    if (this.#answers.length > maxAnswers) this.#answers.shift();
    this.#asked = undefined;
  }

  /** noVNC asks for the next picture when it has drawn one, in a message of its own. */
  sent(data: Uint8Array): void {
    if (data[0] === messages.next) this.#frames += 1;
    else if (data[0] === messages.key || data[0] === messages.pointer || data[0] === messages.qemu)
      this.#asked ??= this.#now();
  }

  /** What has been measured since the last reading. */
  read(): Reading {
    const seconds = Math.max(0.001, (this.#now() - this.#since) / 1000);
    const reading = {
      frames: this.#frames / seconds,
      bytes: this.#bytes / seconds,
      answerMs: this.#answers.toSorted((a, b) => a - b)[Math.floor(this.#answers.length / 2)],
    };
    this.#since = this.#now();
    [this.#frames, this.#bytes] = [0, 0];
    return reading;
  }
}
