import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { mapBacking } from '../../src/disk/map-facts.ts';

/** Bits of a table's entry that say where something is (QEMU's docs/interop/qcow2.txt). */
const offsetBits = 0x00ff_ffff_ffff_fe00n;
/** Nothing else refers to what an entry of a table names. */
const unshared = 1n << 63n;
/** The entry of a data cluster has these for a compressed one and for one of zeros. */
const special = (1n << 62n) | 1n;

/** A qcow2 image and what is beneath it, for tests that look at a few places of a disk or write there: no other program runs. */
class Qcow2 implements Disposable {
  readonly #file: number;
  readonly #clusterBits: number;
  readonly #l1: number;
  readonly #refcounts: number;
  readonly #beneath: Qcow2 | null;

  constructor(path: string, flags: 'r' | 'r+' = 'r') {
    this.#file = openSync(path, flags);
    const header = this.#bytes(0, 104);
    if (header.toString('latin1', 0, 4) !== 'QFI\u00fb') throw new Error(`${path} is not a qcow2 image.`);
    this.#clusterBits = header.readUInt32BE(20);
    this.#l1 = Number(header.readBigUInt64BE(40));
    this.#refcounts = Number(header.readBigUInt64BE(48));
    const nameAt = Number(header.readBigUInt64BE(8));
    const name = this.#bytes(nameAt, header.readUInt32BE(16)).toString('utf8');
    // What is beneath a map are the files of another program.
    const isLowest = nameAt === 0 || name === mapBacking;
    this.#beneath = isLowest ? null : new Qcow2(isAbsolute(name) ? name : join(dirname(path), name));
  }

  #bytes(at: number, length: number): Buffer {
    const buffer = Buffer.alloc(length);
    readSync(this.#file, buffer, 0, length, at);
    return buffer;
  }

  #entry(table: number, index: number): bigint {
    return this.#bytes(table + 8 * index, 8).readBigUInt64BE(0);
  }

  /** What a guest sees at a place within one cluster. */
  read(at: number, length: number): Buffer {
    const cluster = Math.floor(at / 2 ** this.#clusterBits);
    const perTable = 2 ** (this.#clusterBits - 3);
    const table = Number(this.#entry(this.#l1, Math.floor(cluster / perTable)) & offsetBits);
    const entry = table === 0 ? 0n : this.#entry(table, cluster % perTable);
    if ((entry & 1n) !== 0n) return Buffer.alloc(length);
    const data = Number(entry & offsetBits);
    if (data === 0) return this.#beneath?.read(at, length) ?? Buffer.alloc(length);
    return this.#bytes(data + (at % 2 ** this.#clusterBits), length);
  }

  #setEntry(table: number, index: number, entry: bigint): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(entry);
    writeSync(this.#file, bytes, 0, 8, table + 8 * index);
  }

  /** A new cluster at the end of the file, of zeros, counted in the only block of reference counts. */
  #allocate(): number {
    const clusterSize = 2 ** this.#clusterBits;
    const cluster = Math.ceil(fstatSync(this.#file).size / clusterSize);
    if (cluster >= clusterSize / 2)
      throw new Error('The image is too large for one block of reference counts.');
    ftruncateSync(this.#file, (cluster + 1) * clusterSize);
    const one = Buffer.from([0, 1]);
    writeSync(this.#file, one, 0, 2, Number(this.#entry(this.#refcounts, 0)) + 2 * cluster);
    return cluster * clusterSize;
  }

  /** Where an entry of a table points, to a new cluster if to none before. */
  #target(table: number, index: number): number {
    const entry = this.#entry(table, index);
    if ((entry & special) !== 0n) throw new Error(`Nothing here writes to the cluster of entry ${entry}.`);
    if (entry !== 0n) {
      if ((entry & unshared) === 0n) throw new Error(`The cluster of entry ${entry} is shared.`);
      return Number(entry & offsetBits);
    }
    const cluster = this.#allocate();
    this.#setEntry(table, index, BigInt(cluster) | unshared);
    return cluster;
  }

  /** Writes whole clusters, as a guest does. */
  write(at: number, content: Buffer): void {
    const clusterSize = 2 ** this.#clusterBits;
    if (at % clusterSize !== 0 || content.length % clusterSize !== 0)
      throw new Error('Only whole clusters are written.');
    const perTable = clusterSize / 8;
    for (let done = 0; done < content.length; done += clusterSize) {
      const cluster = (at + done) / clusterSize;
      const table = this.#target(this.#l1, Math.floor(cluster / perTable));
      writeSync(this.#file, content, done, clusterSize, this.#target(table, cluster % perTable));
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
    this.#beneath?.[Symbol.dispose]();
  }
}

/** Bytes of a disk, as a guest would see them; within 64 KiB that do not cross a multiple of it. */
export function readQcow2(path: string, at: number, length: number): Buffer {
  using image = new Qcow2(path);
  return image.read(at, length);
}

/** Writes whole clusters of a disk, as a guest would. */
export function writeQcow2(path: string, at: number, content: Buffer): void {
  using image = new Qcow2(path, 'r+');
  image.write(at, content);
}
