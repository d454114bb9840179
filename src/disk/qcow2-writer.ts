import { open, type FileHandle } from 'node:fs/promises';
import { writeFully } from '../sys/write-fully.ts';
import type { DiskBlock } from './format/disk.ts';
import {
  clusterSize,
  entryAt,
  fixedHeader,
  perL1Entry,
  perL2Table,
  perRefcountBlock,
  refcountBlocks,
  setEntry,
} from './qcow2-layout.ts';
import { isZero } from './format/zero.ts';

/** Bytes that are collected for one write. */
const runBytes = 2 * 1024 * 1024;
/** L2 tables in memory: 64 of them map 32 GiB. */
const maxTables = 64;

interface L2Table {
  readonly offset: number;
  readonly entries: Buffer;
}

/** Data that belongs to successive bytes of the file. */
interface Run {
  readonly offset: number;
  bytes: number;
}

/**
 * Writes a new qcow2 from front to back while the content of its disk comes in, in any order. Clusters of zeros take no space. The
 * file has no header until `finish`, so that a half-written one is never taken for a disk.
 */
export class Qcow2Writer implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #size: number;
  /** Where the qcow2 begins in the file. */
  readonly #base: number;
  readonly #l1: Buffer;
  readonly #tables = new Map<number, L2Table>();
  #run: Run | undefined;
  /** The data of the run, and memory for the next one. */
  #collected = Buffer.allocUnsafe(runBytes);
  #other = Buffer.allocUnsafe(runBytes);
  #writing: Promise<void> = Promise.resolve();
  /** Where the next cluster goes. */
  #end: number;
  readonly #closes: boolean;

  private constructor(file: FileHandle, size: number, base: number, closes: boolean) {
    this.#closes = closes;
    this.#file = file;
    this.#size = size;
    this.#base = base;
    // The header is the first cluster; the L1 table, whose size is known, follows.
    this.#l1 = Buffer.alloc(Math.ceil(Math.ceil(size / perL1Entry) / perL2Table) * clusterSize);
    this.#end = clusterSize + this.#l1.length;
  }

  /** @param size of the disk, in bytes: a multiple of 512, at most 64 TiB. @throws the error of the file system */
  static async create(path: string, size: number): Promise<Qcow2Writer> {
    return new Qcow2Writer(await open(path, 'wx+', 0o600), size, 0, true);
  }

  /** A qcow2 at the end of a file, which begins at byte `base` and stays open. @param size as for `create` */
  static inside(file: FileHandle, base: number, size: number): Qcow2Writer {
    return new Qcow2Writer(file, size, base, false);
  }

  /** Bytes that the file has so far. */
  get bytes(): number {
    return this.#end;
  }

  /** Copies a block within the disk, and writes it now or later. @throws the error of the file system */
  async write({ offset, data }: DiskBlock): Promise<void> {
    for (let at = 0; at < data.length;) {
      const inCluster = (offset + at) % clusterSize;
      const part = data.subarray(at, at + clusterSize - inCluster);
      await this.#writePart(offset + at - inCluster, inCluster, part);
      at += part.length;
    }
  }

  async #writePart(guest: number, inCluster: number, part: Buffer): Promise<void> {
    const zero = isZero(part);
    const index = Math.floor(guest / perL1Entry);
    // Without a table, nothing of the whole area has been written.
    if (zero && entryAt(this.#l1, index) === 0) return;
    const { entries } = await this.#table(index);
    const slot = (guest % perL1Entry) / clusterSize;
    let cluster = entryAt(entries, slot);
    if (cluster === 0) {
      if (zero) return;
      cluster = this.#allocate();
      setEntry(entries, slot, cluster);
    }
    // What of a new cluster is never written is a hole in the file, which reads as zeros.
    await this.#append(cluster + inCluster, part);
  }

  #allocate(): number {
    const offset = this.#end;
    this.#end += clusterSize;
    return offset;
  }

  async #table(index: number): Promise<L2Table> {
    const known = this.#tables.get(index);
    if (known) return known;
    const [oldest] = this.#tables.keys();
    if (oldest !== undefined && this.#tables.size >= maxTables) await this.#evict(oldest);
    const offset = entryAt(this.#l1, index);
    const table = { offset: offset || this.#allocate(), entries: Buffer.alloc(clusterSize) };
    if (offset === 0) setEntry(this.#l1, index, table.offset);
    else await this.#file.read(table.entries, 0, clusterSize, this.#base + offset);
    this.#tables.set(index, table);
    return table;
  }

  async #evict(index: number): Promise<void> {
    const table = this.#tables.get(index);
    this.#tables.delete(index);
    if (table) await this.#put([table.entries], table.offset);
  }

  async #append(offset: number, part: Buffer): Promise<void> {
    const run = this.#run;
    const continues =
      run && run.offset + run.bytes === offset && run.bytes + part.length <= this.#collected.length;
    if (!continues) await this.#flush();
    this.#run ??= { offset, bytes: 0 };
    this.#run.bytes += part.copy(this.#collected, this.#run.bytes);
  }

  /** Starts to write what was collected, after the write before it has ended: at most two of them are in memory. */
  async #flush(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    await this.#writing;
    if (!run) return;
    this.#writing = this.#put([this.#collected.subarray(0, run.bytes)], run.offset);
    [this.#collected, this.#other] = [this.#other, this.#collected];
    // It is awaited with the next one.
    this.#writing.catch(() => undefined);
  }

  /**
   * Writes the tables and at last the header; the disk is complete and on the medium.
   * @throws the error of the file system
   */
  async finish(): Promise<void> {
    await this.#flush();
    await this.#writing;
    for (const index of [...this.#tables.keys()]) await this.#evict(index);
    await this.#put([this.#l1], clusterSize);
    const places = await this.#writeRefcounts();
    await this.#put([fixedHeader({ ...places, virtualSize: this.#size, l1Offset: clusterSize })], 0);
    await this.#file.datasync();
  }

  async #put(parts: readonly Buffer[], offset: number): Promise<void> {
    await writeFully(this.#file, parts, this.#base + offset);
  }

  /** Every cluster of the file is used once, also those with the reference counts. */
  async #writeRefcounts() {
    const used = this.#end / clusterSize;
    let blocks = 0;
    let tables = 0;
    for (let all = used; blocks * perRefcountBlock < all; all = used + blocks + tables) {
      blocks = Math.ceil(all / perRefcountBlock);
      tables = Math.ceil((blocks * 8) / clusterSize);
    }
    const refcountTableOffset = this.#end;
    const firstBlock = refcountTableOffset + tables * clusterSize;
    const table = Buffer.alloc(tables * clusterSize);
    for (let block = 0; block < blocks; block += 1)
      table.writeBigUInt64BE(BigInt(firstBlock + block * clusterSize), block * 8);
    await this.#put([table], refcountTableOffset);
    for (let block = 0; block < blocks; block += 1) {
      const counted = Math.min(perRefcountBlock, used + blocks + tables - block * perRefcountBlock);
      await this.#put([refcountBlocks(counted)], firstBlock + block * clusterSize);
    }
    this.#end = firstBlock + blocks * clusterSize;
    return { refcountTableOffset, refcountTableClusters: tables };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing.catch(() => undefined);
    if (this.#closes) await this.#file.close();
  }
}
