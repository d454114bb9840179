import { closeSync, openSync, readSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';

/** Bits of a table's entry that say where something is (QEMU's docs/interop/qcow2.txt). */
const offsetBits = 0x00ff_ffff_ffff_fe00n;

/** Reads a qcow2 image and what is beneath it without any other program, for tests that look at a few places of a disk. */
class Qcow2 implements Disposable {
  readonly #file: number;
  readonly #clusterBits: number;
  readonly #l1: number;
  readonly #beneath: Qcow2 | null;

  constructor(path: string) {
    this.#file = openSync(path, 'r');
    const header = this.#bytes(0, 104);
    if (header.toString('latin1', 0, 4) !== 'QFI\u00fb') throw new Error(`${path} is not a qcow2 image.`);
    this.#clusterBits = header.readUInt32BE(20);
    this.#l1 = Number(header.readBigUInt64BE(40));
    const nameAt = Number(header.readBigUInt64BE(8));
    const name = this.#bytes(nameAt, header.readUInt32BE(16)).toString('utf8');
    this.#beneath = nameAt === 0 ? null : new Qcow2(isAbsolute(name) ? name : join(dirname(path), name));
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
