/** Which units of a file, all of one size, are in use: one bit for each. */
export class UsedUnits {
  readonly #bits: Buffer;
  readonly #count: number;

  private constructor(count: number, bits: Buffer) {
    this.#count = count;
    this.#bits = bits;
  }

  /** None is in use. @param count of units in the file; the caller bounds it, for it decides how much memory this takes */
  static of(count: number): UsedUnits {
    return new UsedUnits(count, Buffer.alloc(Math.ceil(count / 8)));
  }

  copy(): UsedUnits {
    return new UsedUnits(this.#count, Buffer.from(this.#bits));
  }

  /** Marks units as used. Returns false, and may have marked some, if one is used already or beyond the end of the file. */
  take(first: number, count: number): boolean {
    if (first + count > this.#count) return false;
    for (let unit = first; unit < first + count; unit += 1) {
      const byte = Math.floor(unit / 8);
      const bit = 1 << (unit % 8);
      const before = this.#bits[byte] ?? 0;
      if ((before & bit) !== 0) return false;
      this.#bits[byte] = before | bit;
    }
    return true;
  }
}
