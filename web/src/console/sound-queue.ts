/** Samples of a side of a frame have 16 bits. */
const scale = 1 / 32_768;

/**
 * Frames of stereo sound on their way to a loudspeaker. It waits for some before it plays, so that an uneven network is not heard, and
 * leaves out the oldest when there are too many, so that sound does not fall behind the picture.
 */
export class SoundQueue {
  readonly #first: number;
  readonly #most: number;
  #parts: Int16Array[] = [];
  /** Samples of the first part that have been played. */
  #at = 0;
  #frames = 0;
  #plays = false;

  /**
   * @param first frames that must be there before it plays
   * @param most frames that may be there
   */
  constructor(first: number, most: number) {
    this.#first = first;
    this.#most = most;
  }

  /** Frames that wait. */
  get length(): number {
    return this.#frames;
  }

  /** Adds samples, left and right in turns. */
  push(samples: Int16Array): void {
    this.#parts.push(samples);
    this.#frames += samples.length / 2;
    if (this.#frames >= this.#first) this.#plays = true;
    while (this.#frames > this.#most) {
      const rest = (this.#parts[0]?.length ?? 0) - this.#at;
      this.#frames -= rest / 2;
      this.#parts.shift();
      this.#at = 0;
    }
  }

  /** Fills both sides with the next frames; silence where there are none. */
  pull(left: Float32Array, right: Float32Array): void {
    for (let index = 0; index < left.length; index += 1) {
      const part = this.#plays ? this.#parts[0] : undefined;
      left[index] = (part?.[this.#at] ?? 0) * scale;
      right[index] = (part?.[this.#at + 1] ?? 0) * scale;
      if (!part) {
        this.#plays = false;
        continue;
      }
      this.#at += 2;
      this.#frames -= 1;
      if (this.#at < part.length) continue;
      this.#parts.shift();
      this.#at = 0;
    }
  }
}
