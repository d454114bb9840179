import { availableParallelism } from 'node:os';
import { inOrder } from '../../core/in-order.ts';
import type { ByteSource } from '../../sys/byte-source.ts';
import type { Disk, DiskBlock } from '../format/disk.ts';
import { badImage } from '../format/image-file.ts';
import { parseDescriptor, sectorBytes } from './descriptor.ts';
import { GrainStream, type PackedGrain } from './grain-stream.ts';
import { inflateGrain } from './inflate-grain.ts';

/** Bytes of grains that are decompressed at the same time, at most. */
const windowBytes = 16 * 1024 * 1024;
const perCore = 4;

/** A streamOptimized VMDK that is read once, from front to back. Its blocks come in the order of the stream. */
class StreamDisk implements Disk {
  readonly size: number;
  readonly blockSize: number;
  readonly estimate: number;
  readonly #stream: GrainStream;

  constructor(stream: GrainStream, size: number) {
    this.#stream = stream;
    this.size = size;
    this.blockSize = stream.header.grainBytes;
    this.estimate = size;
  }

  blocks(): AsyncGenerator<DiskBlock> {
    const width = Math.max(
      1,
      Math.min(availableParallelism() * perCore, Math.floor(windowBytes / this.blockSize)),
    );
    return inOrder(this.#stream.grains(), width, async (grain) => await this.#inflate(grain));
  }

  async #inflate({ index, packed }: PackedGrain): Promise<DiskBlock> {
    const { path } = this.#stream;
    const offset = index * this.blockSize;
    const wanted = Math.max(0, Math.min(this.blockSize, this.size - offset));
    const data = await inflateGrain(packed, this.blockSize, { path, index });
    if (data.length < wanted)
      throw badImage(path, `is damaged: grain ${index} has only ${data.length} bytes`);
    return { offset, data: data.subarray(0, wanted) };
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
 * bounded memory, and checks that its tables list exactly what was there.
 * @param path name of the disk, for messages
 * @throws KameError BAD_IMAGE naming the disk and what is invalid or unsupported, and what the source throws
 */
export async function openVmdkStream(path: string, source: ByteSource): Promise<Disk> {
  const stream = await GrainStream.open(path, source);
  const size = sizeOf(stream);
  if (size === 0) throw badImage(path, 'has no content: its capacity is 0');
  return new StreamDisk(stream, size);
}
