/**
 * Compares the grains of a stream with those that its tables list, without keeping either: how many there are, and the sum of
 * their places. A part that is missing, or a table that is, shows.
 */
export class GrainTally {
  #count = 0;
  #sum = 0;

  /** A grain was read. @param sector of its marker in the file */
  seen(sector: number): void {
    this.#count += 1;
    this.#sum = (this.#sum + sector) % 2 ** 48;
  }

  /** A table lists its grains. @param zeroGrains whether the entry 1 stands for a grain of zeros, which has no place */
  listed(table: Buffer, zeroGrains: boolean): void {
    for (let at = 0; at + 4 <= table.length; at += 4) {
      const sector = table.readUInt32LE(at);
      if (sector === 0 || (sector === 1 && zeroGrains)) continue;
      this.#count -= 1;
      this.#sum = (this.#sum - sector) % 2 ** 48;
    }
  }

  /** Whether all grains were listed, and all that were listed were seen. */
  get balanced(): boolean {
    return this.#count === 0 && this.#sum === 0;
  }
}
