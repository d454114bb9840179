/** Bytes that may be on the way at first: the link has a queue for more. */
const firstWindow = 64 * 1024;
const duplicatesOfLoss = 3;

/**
 * How much may be on the way to a guest before it acknowledges: the link loses nothing by itself, but one that is shaped does.
 * Slow start, congestion avoidance, fast retransmit and recovery (RFC 5681, RFC 6582).
 */
export class Congestion {
  readonly #mss: number;
  window = firstWindow;
  #threshold = Number.POSITIVE_INFINITY;
  #duplicates = 0;
  isRecovering = false;

  constructor(mss: number) {
    this.#mss = mss;
  }

  /** New bytes were acknowledged. */
  progressed(bytes: number): void {
    this.#duplicates = 0;
    if (this.isRecovering) return;
    if (this.window < this.#threshold) this.window += bytes;
    else this.window += Math.max(1, (this.#mss * Math.min(bytes, this.window)) / this.window);
  }

  /** The same was acknowledged again. @returns whether a segment is lost, and must be sent again now */
  duplicate(inFlight: number): boolean {
    this.#duplicates += 1;
    if (this.isRecovering) this.window += this.#mss;
    if (this.isRecovering || this.#duplicates !== duplicatesOfLoss) return false;
    this.#halve(inFlight);
    this.isRecovering = true;
    this.window = this.#threshold + duplicatesOfLoss * this.#mss;
    return true;
  }

  /** A part of what was on the way at the loss was acknowledged: the next segment is lost too. */
  partial(bytes: number): void {
    this.window = Math.max(this.#mss, this.window - bytes + this.#mss);
  }

  recovered(): void {
    this.isRecovering = false;
    this.window = this.#threshold;
  }

  /** Nothing was acknowledged in time. */
  expired(inFlight: number): void {
    this.#halve(inFlight);
    this.window = this.#mss;
    this.#duplicates = 0;
    this.isRecovering = false;
  }

  #halve(inFlight: number): void {
    this.#threshold = Math.max(inFlight / 2, 2 * this.#mss);
  }
}
