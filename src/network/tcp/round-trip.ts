/** Milliseconds. RFC 6298 has a second as the least; here the other side is on the same host. */
const [leastTimeout, firstTimeout, longestTimeout] = [300, 1000, 60_000];

/** How long an acknowledgement may take (RFC 6298). */
export class RoundTrip {
  #smoothed: number | null = null;
  #variation = 0;
  #backoff = 1;

  /** Milliseconds after which a segment counts as lost. */
  get timeout(): number {
    const usual = this.#smoothed === null ? firstTimeout : this.#smoothed + 4 * this.#variation;
    return Math.min(Math.max(usual, leastTimeout) * this.#backoff, longestTimeout);
  }

  /** A segment that was sent once was acknowledged after some milliseconds. */
  measured(ms: number): void {
    if (this.#smoothed === null) {
      this.#smoothed = ms;
      this.#variation = ms / 2;
    } else {
      this.#variation = 0.75 * this.#variation + 0.25 * Math.abs(this.#smoothed - ms);
      this.#smoothed = 0.875 * this.#smoothed + 0.125 * ms;
    }
  }

  /** Something new was acknowledged. */
  progressed(): void {
    this.#backoff = 1;
  }

  expired(): void {
    this.#backoff = Math.min(this.#backoff * 2, longestTimeout);
  }
}
