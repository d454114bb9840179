import { availableParallelism } from 'node:os';
import { inOrder } from '../../core/in-order.ts';
import type { ByteSource } from '../../sys/byte-source.ts';
import type { BatchMemory, InflatedBatch, Inflater } from '../../sys/inflate-threads.ts';
import type { Disk, DiskBlock } from '../format/disk.ts';
import { badImage } from '../format/image-file.ts';
import { parseDescriptor, sectorBytes } from './descriptor.ts';
import { GrainBatch, memoryOfBatch } from './grain-batch.ts';
import { GrainStream } from './grain-stream.ts';

/** Memory for the grains that are decompressed at the same time. */
const windowBytes = 64 * 1024 * 1024;
/** While one batch is decompressed, the next waits for the same core. */
const perCore = 2;

/** A streamOptimized VMDK that is read once, from front to back. Its blocks come in the order of the stream. */
class StreamDisk implements Disk {
  readonly size: number;
  readonly blockSize: number;
  readonly estimate: number;
  readonly #stream: GrainStream;
  readonly #inflater: Inflater;

  constructor(stream: GrainStream, size: number, inflater: Inflater) {
    this.#stream = stream;
    this.#inflater = inflater;
    this.size = size;
    this.blockSize = stream.header.grainBytes;
    this.estimate = size;
  }

  async *blocks(): AsyncGenerator<DiskBlock> {
    const fitting = Math.floor(windowBytes / memoryOfBatch(this));
    const width = Math.max(1, Math.min(availableParallelism() * perCore, fitting));
    const spare: BatchMemory[] = [];
    const work = async (batch: GrainBatch) => {
      const inflated = await this.#inflater.inflate(batch.order);
      return { inflated, indexes: batch.indexes };
    };
    for await (const { inflated, indexes } of inOrder(this.#batches(spare), width, work)) {
      for (const [at, index] of indexes.entries()) yield this.#block(index, inflated, at);
      spare.push(inflated);
    }
  }

  /** The grains of the stream in batches. @param spare memory for them */
  async *#batches(spare: BatchMemory[]): AsyncGenerator<GrainBatch> {
    let batch = new GrainBatch(this);
    for await (const grain of this.#stream.grains()) {
      if (batch.add(grain)) continue;
      yield batch;
      batch = new GrainBatch(this, spare.pop());
      batch.add(grain);
    }
    yield batch;
  }

  /** A grain of a batch. @param at its place in the batch */
  #block(index: number, { plain, lengths, failure }: InflatedBatch, at: number): DiskBlock {
    const { path } = this.#stream;
    const length = lengths[at];
    if (length === undefined)
      throw badImage(path, `is damaged: grain ${index} cannot be decompressed (${failure ?? 'no reason'})`);
    const offset = index * this.blockSize;
    const wanted = Math.max(0, Math.min(this.blockSize, this.size - offset));
    if (length < wanted) throw badImage(path, `is damaged: grain ${index} has only ${length} bytes`);
    return { offset, data: Buffer.from(plain, at * this.blockSize, wanted) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The source belongs to the caller.
  }
}

/** The size of the disk, which its descriptor may tell more exactly than its header. */
function sizeOf({ path, header, descriptor }: GrainStream): number {
  const capacity = header.capacity * sectorBytes;
  if (descriptor.every((byte) => byte === 0)) return capacity;
  const { extents, parent } = parseDescriptor(path, descriptor);
  const [extent] = extents;
  if (parent) throw badImage(path, 'contains only the changes to another disk');
  if (extents.length !== 1 || extent?.kind !== 'sparse' || extent.sectors > header.capacity)
    throw badImage(path, 'is damaged: its descriptor does not fit its header');
  return extent.sectors * sectorBytes;
}

/**
 * Opens a streamOptimized VMDK that comes as a stream, such as from an archive. Reads its beginning; `blocks` reads the rest, with
 * bounded memory, and checks that its tables list exactly what was there. A block of it is in memory only until the next one is asked for.
 * @param path name of the disk, for messages
 * @param inflater decompresses its grains; it belongs to the caller
 * @throws KameError BAD_IMAGE naming the disk and what is invalid or unsupported, and what the source throws
 */
export async function openVmdkStream(path: string, source: ByteSource, inflater: Inflater): Promise<Disk> {
  const stream = await GrainStream.open(path, source);
  const size = sizeOf(stream);
  if (size === 0) throw badImage(path, 'has no content: its capacity is 0');
  return new StreamDisk(stream, size, inflater);
}
