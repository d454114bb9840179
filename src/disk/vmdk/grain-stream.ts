import type { ByteSource } from '../../sys/byte-source.ts';
import { badImage } from '../format/image-file.ts';
import { maxDescriptorBytes, sectorBytes } from './descriptor.ts';
import { GrainTally } from './grain-tally.ts';
import { isPackedSize, markerBytes } from './inflate-grain.ts';
import { hasSparseMagic, parseHeader, type SparseHeader } from './sparse-header.ts';

/** Types of the markers between grains (VMware, "Virtual Disk Format 5.0"). */
const markers = { endOfStream: 0, grainTable: 1, grainDirectory: 2, footer: 3 } as const;
/** A directory of this size maps 32 TiB in grains of 64 KiB. */
const maxDirectoryBytes = 4 * 1024 * 1024;
const advice = 'Get the file again: a part of it is missing.';

/** A grain as it is in the stream. */
export interface PackedGrain {
  /** Number of the grain on the disk. */
  readonly index: number;
  /** Its compressed bytes, in successive parts. They are in memory only until the next grain is asked for. */
  readonly packed: readonly Buffer[];
}

/**
 * Reads a streamOptimized VMDK from front to back. The tables come after the grains, or before the first of them, as qemu-img
 * writes them; either way they must list exactly the grains that are there.
 */
export class GrainStream {
  readonly path: string;
  readonly header: SparseHeader;
  /** Empty if it has none. */
  readonly descriptor: Buffer;
  readonly #source: ByteSource;
  /** Bytes that were taken from the source before the disk. */
  readonly #start: number;
  readonly #tally = new GrainTally();
  #tablesFirst = false;

  private constructor(
    path: string,
    source: ByteSource,
    start: number,
    header: SparseHeader,
    descriptor: Buffer,
  ) {
    this.path = path;
    this.#source = source;
    this.#start = start;
    this.header = header;
    this.descriptor = descriptor;
  }

  /**
   * Reads the beginning: header and descriptor.
   * @param path name of the disk, for messages
   * @throws KameError BAD_IMAGE, and what the source throws
   */
  static async open(path: string, source: ByteSource): Promise<GrainStream> {
    const start = source.taken;
    const head = await source.exactly(sectorBytes);
    if (head.length < sectorBytes || !hasSparseMagic(head)) {
      throw badImage(path, 'is not a sparse VMDK', 'Unpack the appliance, and convert its disks.');
    }
    const header = parseHeader(path, head);
    if (!header.compressed) {
      throw badImage(
        path,
        'is a VMDK that is not stream-optimized, so it cannot be read from an archive',
        'Unpack the archive with `tar -xf`, and import the .ovf.',
      );
    }
    const { descriptorOffset, descriptorSectors } = header;
    if (descriptorOffset === 0) return new GrainStream(path, source, start, header, Buffer.alloc(0));
    const length = Math.min(descriptorSectors * sectorBytes, maxDescriptorBytes);
    await skip(path, source, descriptorOffset * sectorBytes - (source.taken - start));
    return new GrainStream(path, source, start, header, await take(path, source, length));
  }

  get #taken(): number {
    return this.#source.taken - this.#start;
  }

  async #skipTo(byte: number): Promise<void> {
    await skip(this.path, this.#source, byte - this.#taken);
  }

  async #take(bytes: number): Promise<Buffer> {
    return await take(this.path, this.#source, bytes);
  }

  /** Tables that stand before the first grain. */
  async #readFrontTables(): Promise<void> {
    const { path, header } = this;
    const { capacity, grainBytes, grainsPerTable, directoryOffset } = header;
    const end = header.overhead * sectorBytes;
    const at = directoryOffset * sectorBytes;
    if (directoryOffset !== 0 && at < end) {
      this.#tablesFirst = true;
      const entries = Math.ceil(capacity / (grainBytes / sectorBytes) / grainsPerTable);
      if (entries * 4 > maxDirectoryBytes)
        throw badImage(path, `is damaged: its grain directory has ${entries} entries`);
      await this.#skipTo(at);
      const directory = await this.#take(entries * 4);
      for (let entry = 0; entry < entries; entry += 1) {
        const table = directory.readUInt32LE(entry * 4) * sectorBytes;
        if (table === 0) continue;
        await this.#skipTo(table);
        this.#tally.listed(await this.#take(grainsPerTable * 4), header.hasZeroGrains);
      }
    }
    await this.#skipTo(end);
  }

  /** The grains in the order of the stream. @throws KameError BAD_IMAGE */
  async *grains(): AsyncGenerator<PackedGrain> {
    await this.#readFrontTables();
    for (;;) {
      const sector = this.#taken / sectorBytes;
      const record = await this.#source.exactly(sectorBytes);
      if (record.length === 0 && this.#tablesFirst) break;
      if (record.length < sectorBytes) throw badImage(this.path, 'is truncated', advice);
      const size = record.readUInt32LE(8);
      if (size !== 0) {
        this.#tally.seen(sector);
        yield await this.#grain(record, size, sector);
      } else if (!(await this.#metadata(record))) break;
    }
    if (!this.#tally.balanced)
      throw badImage(this.path, 'is damaged: its grain tables do not list the grains that it has', advice);
  }

  async #grain(record: Buffer, size: number, sector: number): Promise<PackedGrain> {
    const { path, header } = this;
    const place = record.readBigUInt64LE(0);
    const grainSectors = BigInt(header.grainBytes / sectorBytes);
    if (place >= BigInt(header.capacity) || place % grainSectors !== 0n)
      throw badImage(path, `is damaged: the grain at sector ${sector} belongs to sector ${place}`);
    const index = Number(place / grainSectors);
    if (!isPackedSize(size, header.grainBytes))
      throw badImage(path, `is damaged: grain ${index} has ${size} compressed bytes`);
    const length = markerBytes + size;
    const rest = await this.#source.exactly(Math.max(0, Math.ceil(length / sectorBytes) - 1) * sectorBytes);
    // What fills the last sector of the file may be missing.
    if (sectorBytes + rest.length < length) throw badImage(path, 'is truncated', advice);
    const first = record.subarray(markerBytes, Math.min(length, sectorBytes));
    return { index, packed: [first, rest.subarray(0, size - first.length)] };
  }

  /** @returns false at the end of the stream */
  async #metadata(marker: Buffer): Promise<boolean> {
    const { path, header } = this;
    const type = marker.readUInt32LE(12);
    if (type === markers.endOfStream) return false;
    const bytes = Number(marker.readBigUInt64LE(0)) * sectorBytes;
    if (
      type === markers.grainTable &&
      bytes === Math.ceil((header.grainsPerTable * 4) / sectorBytes) * sectorBytes
    )
      this.#tally.listed(
        (await this.#take(bytes)).subarray(0, header.grainsPerTable * 4),
        header.hasZeroGrains,
      );
    else if (type === markers.grainDirectory && bytes <= maxDirectoryBytes)
      await skip(path, this.#source, bytes);
    else if (type === markers.footer && bytes === sectorBytes) this.#refuseOther(await this.#take(bytes));
    else throw badImage(path, `is damaged: it has a marker of type ${type} with ${bytes} bytes`);
    return true;
  }

  #refuseOther(bytes: Buffer): void {
    const footer = parseHeader(this.path, bytes);
    if (footer.capacity !== this.header.capacity || footer.grainBytes !== this.header.grainBytes)
      throw badImage(this.path, 'is damaged: its footer does not fit its header');
  }
}

async function take(path: string, source: ByteSource, bytes: number): Promise<Buffer> {
  const taken = await source.exactly(bytes);
  if (taken.length < bytes) throw badImage(path, 'is truncated', advice);
  return taken;
}

/** Skips bytes, of which there are any number; none of them is kept. */
async function skip(path: string, source: ByteSource, bytes: number): Promise<void> {
  if (bytes < 0) throw badImage(path, 'is damaged: its parts overlap or are out of order');
  for (let left = bytes; left > 0;) {
    const part = await source.some(left);
    if (part.length === 0) throw badImage(path, 'is truncated', advice);
    left -= part.length;
  }
}
