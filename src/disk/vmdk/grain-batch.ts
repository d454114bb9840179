import type { BatchMemory, PackedBatch } from '../../sys/inflate-threads.ts';
import type { PackedGrain } from './grain-stream.ts';

/** What the grains of a batch expand to, unless one is larger. */
const batchBytes = 1024 * 1024;

function plainBytes(grainBytes: number): number {
  return Math.max(batchBytes, grainBytes);
}

/** Compressed, a grain has at most twice its size; see isPackedSize. */
function packedBytes(grainBytes: number): number {
  return Math.max(batchBytes, 2 * grainBytes);
}

/** The memory that a batch takes, in bytes. */
export function memoryOfBatch(grainBytes: number): number {
  return plainBytes(grainBytes) + packedBytes(grainBytes);
}

/** Grains that are decompressed together. */
export class GrainBatch {
  readonly #grainBytes: number;
  readonly #memory: BatchMemory;
  readonly #room: Buffer;
  readonly #sizes: number[] = [];
  #bytes = 0;
  /** The numbers of its grains on the disk. */
  readonly indexes: number[] = [];

  /** @param memory of another batch of the same disk, which is not needed any more */
  constructor(grainBytes: number, memory?: BatchMemory) {
    this.#grainBytes = grainBytes;
    this.#memory = memory ?? {
      packed: new ArrayBuffer(packedBytes(grainBytes)),
      plain: new ArrayBuffer(plainBytes(grainBytes)),
    };
    this.#room = Buffer.from(this.#memory.packed);
  }

  /** Copies a grain into it. @returns false if it is full: then the grain belongs into the next one */
  add({ index, packed }: PackedGrain): boolean {
    const size = packed.reduce((sum, part) => sum + part.length, 0);
    const isFull =
      (this.indexes.length + 1) * this.#grainBytes > this.#memory.plain.byteLength ||
      this.#bytes + size > this.#room.length;
    if (isFull) return false;
    for (const part of packed) this.#bytes += part.copy(this.#room, this.#bytes);
    this.indexes.push(index);
    this.#sizes.push(size);
    return true;
  }

  /** The order to decompress it, which takes its memory. */
  get order(): PackedBatch {
    return { ...this.#memory, sizes: this.#sizes, pieceBytes: this.#grainBytes };
  }
}
