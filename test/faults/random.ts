import { createHash } from 'node:crypto';

/**
 * Pseudo-random numbers that a seed repeats: a hash of the seed, the number of a part, and a counter. What one part draws
 * does not depend on how much the parts before it drew.
 */
export class Random {
  readonly #prefix: string;
  #count = 0;

  constructor(seed: number, part = 0) {
    this.#prefix = `${seed}/${part}/`;
  }

  /** 0 up to 1, without 1. */
  next(): number {
    this.#count += 1;
    const hash = createHash('sha256').update(`${this.#prefix}${this.#count}`).digest();
    return hash.readUIntBE(0, 6) / 2 ** 48;
  }

  /** A whole number, both ends included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('There is nothing to pick from.');
    return items[Math.floor(this.next() * items.length)] as T;
  }

  /** One of the items, each as often as its weight says. */
  weighted<T>(items: readonly (readonly [item: T, weight: number])[]): T {
    let left = this.next() * items.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [item, weight] of items) {
      left -= weight;
      if (left < 0) return item;
    }
    return this.pick(items)[0];
  }
}

/** A seed that nobody chose. */
export function anySeed(): number {
  return Math.floor(Math.random() * 2 ** 31);
}
