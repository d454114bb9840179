import type { BatchMemory, PackedBatch } from '../../sys/inflate-threads.ts';
import type { PackedGrain } from './grain-stream.ts';

/** What the grains of a batch expand to, unless one is larger. */
const usualBytes = 1024 * 1024;

/** Sizes of a disk, in bytes. */
interface DiskSizes {
  readonly size: number;
  /** Of a grain. */
  readonly blockSize: number;
}

function plainBytes({ size, blockSize }: DiskSizes): number {
  return Math.max(Math.min(usualBytes, size), blockSize);
}

/** Compressed, a grain has at most twice its size; see isPackedSize. */
function packedBytes(disk: DiskSizes): number {
  return Math.max(plainBytes(disk), 2 * disk.blockSize);
}

/** The memory that a batch takes, in bytes. */
export function memoryOfBatch(disk: DiskSizes): number {
  return plainBytes(disk) + packedBytes(disk);
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
  constructor(disk: DiskSizes, memory?: BatchMemory) {
    this.#grainBytes = disk.blockSize;
    this.#memory = memory ?? {
      packed: new ArrayBuffer(packedBytes(disk)),
      plain: new ArrayBuffer(plainBytes(disk)),
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
