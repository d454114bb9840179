/** Attempts that are not delayed: people mistype. */
export const freeAttempts = 5;
const firstDelayMs = 1000;
/** What was not tried for so long is forgotten, in milliseconds. */
const forgetMs = 60 * 60_000;
/** The most keys that are remembered; the one that was used least recently is forgotten when there is one more. */
const maxKeys = 10_000;

interface Tried {
  readonly count: number;
  /** When the last attempt was, and when the next one may be. */
  readonly lastMs: number;
  readonly nextMs: number;
}

/** Counts attempts to sign in, by user or by address, and delays each by more than the one before. */
export class Attempts {
  readonly #maxDelayMs: number;
  readonly #tried = new Map<string, Tried>();

  /** @param maxDelayMs the longest delay */
  constructor(maxDelayMs: number) {
    this.#maxDelayMs = maxDelayMs;
  }

  /** Milliseconds until the next attempt; 0 if it may be now. */
  waitMs(key: string, nowMs = Date.now()): number {
    return Math.max(0, (this.#tried.get(key)?.nextMs ?? 0) - nowMs);
  }

  /** Counts an attempt before its outcome is known, so that many at a time count as many. */
  count(key: string, nowMs = Date.now()): void {
    const before = this.#tried.get(key);
    const isForgotten = before === undefined || nowMs - before.lastMs > forgetMs;
    const count = (isForgotten ? 0 : before.count) + 1;
    this.#tried.delete(key);
    this.#tried.set(key, { count, lastMs: nowMs, nextMs: nowMs + this.#delayMs(count) });
    for (const oldest of this.#tried.keys()) {
      if (this.#tried.size <= maxKeys) break;
      this.#tried.delete(oldest);
    }
  }

  /** Forgets all attempts. */
  forget(key: string): void {
    this.#tried.delete(key);
  }

  /** The last attempt does not count: it was right. Those before it still do. */
  takeBack(key: string): void {
    const tried = this.#tried.get(key);
    if (!tried) return;
    const count = tried.count - 1;
    this.#tried.set(key, { ...tried, count, nextMs: tried.lastMs + this.#delayMs(count) });
  }

  #delayMs(count: number): number {
    const excess = count - freeAttempts;
    return excess < 0 ? 0 : Math.min(this.#maxDelayMs, firstDelayMs * 2 ** Math.min(excess, 30));
  }
}
