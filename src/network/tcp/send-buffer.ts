/** Kept for the next bytes when nothing waits; more is given back. */
const keptBytes = 16 * 1024;

/** The bytes for a guest that it has not acknowledged yet: a ring that grows with them. */
export class SendBuffer {
  #ring: Buffer = Buffer.alloc(0);
  #start = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(bytes: Buffer): void {
    if (this.#length + bytes.length > this.#ring.length) this.#grow(this.#length + bytes.length);
    const at = (this.#start + this.#length) % this.#ring.length;
    const copied = bytes.copy(this.#ring, at);
    if (copied < bytes.length) bytes.copy(this.#ring, 0, copied);
    this.#length += bytes.length;
  }

  /** Copies `length` bytes, from `offset` after the oldest one. */
  copy(target: Buffer, targetStart: number, offset: number, length: number): void {
    const at = (this.#start + offset) % this.#ring.length;
    const first = Math.min(length, this.#ring.length - at);
    this.#ring.copy(target, targetStart, at, at + first);
    if (first < length) this.#ring.copy(target, targetStart + first, 0, length - first);
  }

  /** Forgets the oldest bytes. */
  drop(bytes: number): void {
    this.#length -= bytes;
    this.#start = this.#length === 0 ? 0 : (this.#start + bytes) % this.#ring.length;
    if (this.#length === 0 && this.#ring.length > keptBytes) this.#ring = Buffer.alloc(0);
  }

  #grow(needed: number): void {
    const size = Math.max(needed, this.#ring.length * 1.5);
    const ring = Buffer.allocUnsafeSlow(Math.ceil(size / keptBytes) * keptBytes);
    if (this.#length > 0) this.copy(ring, 0, 0, this.#length);
    this.#ring = ring;
    this.#start = 0;
  }
}
