interface Entry {
  readonly at: number;
  /** Of two at the same time, the one that was added first comes first. */
  readonly order: number;
  readonly run: () => void;
}

/** What things happen when: a heap with one timer for the next of them. */
export class Timetable implements Disposable {
  readonly #now: () => number;
  readonly #entries: Entry[] = [];
  #order = 0;
  #timer: NodeJS.Timeout | null = null;
  #timerAt = Number.POSITIVE_INFINITY;

  /** @param now a clock in milliseconds that never goes back */
  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Calls `run` at a time, or a little later. */
  add(at: number, run: () => void): void {
    const entry = { at, order: this.#order, run };
    this.#order += 1;
    let index = this.#entries.length;
    this.#entries.push(entry);
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      if (!this.#isBefore(index, parent)) break;
      this.#swap(index, parent);
      index = parent;
    }
    this.#arm();
  }

  /** Calls everything whose time has come. */
  runDue(): void {
    const now = this.#now();
    for (let next = this.#entries[0]; next && next.at <= now; next = this.#entries[0]) {
      this.#removeFirst();
      next.run();
    }
    this.#arm();
  }

  [Symbol.dispose](): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#entries.length = 0;
  }

  #arm(): void {
    const at = this.#entries[0]?.at ?? Number.POSITIVE_INFINITY;
    if (at === this.#timerAt) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerAt = at;
    if (at === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(
      () => {
        this.#timerAt = Number.POSITIVE_INFINITY;
        this.runDue();
      },
      Math.max(0, Math.ceil(at - this.#now())),
    );
  }

  #removeFirst(): void {
    const last = this.#entries.pop();
    if (!last || this.#entries.length === 0) return;
    this.#entries[0] = last;
    for (let index = 0; ;) {
      const left = index * 2 + 1;
      const right = left + 1;
      const child = right < this.#entries.length && this.#isBefore(right, left) ? right : left;
      if (child >= this.#entries.length || !this.#isBefore(child, index)) return;
      this.#swap(child, index);
      index = child;
    }
  }

  #isBefore(left: number, right: number): boolean {
    const [a, b] = [this.#entries[left], this.#entries[right]];
    if (!a || !b) return false;
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }

  #swap(left: number, right: number): void {
    const [a, b] = [this.#entries[left], this.#entries[right]];
    if (!a || !b) return;
    this.#entries[left] = b;
    this.#entries[right] = a;
  }
}
