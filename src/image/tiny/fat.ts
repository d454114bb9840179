import { KameError } from '../../core/errors.ts';
import type { Extent } from './extents.ts';

export interface FatOptions {
  readonly sizeBytes: number;
  /** Sectors before the volume on its disk. */
  readonly hiddenSectors: number;
  readonly label: string;
  readonly volumeId: number;
  /** Path with `/` -> content. Directories are created as needed. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

const sector = 512;
const sectorsPerCluster = 2;
const cluster = sector * sectorsPerCluster;
const reservedSectors = 32;
const fatCopies = 2;
const endOfChain = 0x0fffffff;
/** With fewer clusters than the first a volume is FAT16 by definition; FAT32 allows no more than the second. */
const minClusters = 65_525;
const maxClusters = 0x0ffffff0;
/** 1 January 2024, a fixed date so that the same files yield the same bytes. */
const date = ((2024 - 1980) << 9) | (1 << 5) | 1;

interface Node {
  readonly name: string;
  readonly data?: Uint8Array;
  readonly children: Map<string, Node>;
  start: number;
}

function tree(files: ReadonlyMap<string, Uint8Array>): Node {
  const root: Node = { name: '', children: new Map(), start: 0 };
  for (const [path, data] of files) {
    const parts = path.split('/');
    const last = parts.pop() as string;
    let directory = root;
    for (const part of parts) {
      let next = directory.children.get(part.toUpperCase());
      next ??= { name: part, children: new Map(), start: 0 };
      directory.children.set(part.toUpperCase(), next);
      directory = next;
    }
    directory.children.set(last.toUpperCase(), { name: last, data, children: new Map(), start: 0 });
  }
  return root;
}

const shortPattern = /^[A-Z0-9_~!#$%&'()@^`{}-]{1,8}(\.[A-Z0-9_~!#$%&'()@^`{}-]{1,3})?$/;
const longPattern = /^[\x20-\x7e]{1,255}$/;

/** The 11 bytes of a short name; a name that does not fit gets `NAME~N.EXT`. */
function shortName(name: string, index: number): { bytes: string; exact: boolean } {
  const upper = name.toUpperCase();
  const exact = shortPattern.test(upper);
  const dot = upper.lastIndexOf('.');
  const clean = (text: string) => text.replaceAll(/[^A-Z0-9_-]/g, '');
  const base = clean(dot > 0 ? upper.slice(0, dot) : upper);
  const extension = clean(dot > 0 ? upper.slice(dot + 1) : '').slice(0, 3);
  const stem = exact ? base : `${base.slice(0, 6)}~${index}`;
  return { bytes: stem.padEnd(8) + extension.padEnd(3), exact };
}

function longNameEntries(name: string, short: string): Buffer[] {
  let checksum = 0;
  for (let at = 0; at < 11; at += 1) {
    checksum = (((checksum & 1) << 7) + (checksum >> 1) + short.charCodeAt(at)) & 0xff;
  }
  const units = [...name].map((character) => character.charCodeAt(0));
  const count = Math.ceil(units.length / 13);
  const slots = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
  return Array.from({ length: count }, (_, index) => {
    const order = count - index;
    const entry = Buffer.alloc(32);
    entry[0] = order | (index === 0 ? 0x40 : 0);
    entry[11] = 0x0f;
    entry[13] = checksum;
    slots.forEach((slot, position) => {
      const unit = (order - 1) * 13 + position;
      entry.writeUInt16LE(
        unit < units.length ? (units[unit] as number) : unit === units.length ? 0 : 0xffff,
        slot,
      );
    });
    return entry;
  });
}

function directoryEntry(name: string, attribute: number, start: number, size: number): Buffer {
  const entry = Buffer.alloc(32);
  entry.write(name, 0, 11, 'latin1');
  entry[11] = attribute;
  for (const at of [16, 18, 24]) entry.writeUInt16LE(date, at);
  entry.writeUInt16LE(start >>> 16, 20);
  entry.writeUInt16LE(start & 0xffff, 26);
  entry.writeUInt32LE(size, 28);
  return entry;
}

function directoryBytes(node: Node, parent: Node | undefined, label: string): Buffer {
  const entries: Buffer[] = [];
  if (parent) {
    // By definition, `..` refers to the root as cluster 0.
    entries.push(directoryEntry('.          ', 0x10, node.start, 0));
    entries.push(directoryEntry('..         ', 0x10, parent.name === '' ? 0 : parent.start, 0));
  } else {
    entries.push(directoryEntry(label.padEnd(11), 0x08, 0, 0));
  }
  let index = 1;
  for (const child of node.children.values()) {
    const short = shortName(child.name, index);
    index += 1;
    if (!short.exact) entries.push(...longNameEntries(child.name, short.bytes));
    const size = child.data?.length ?? 0;
    entries.push(directoryEntry(short.bytes, child.data ? 0x20 : 0x10, child.start, size));
  }
  return Buffer.concat(entries);
}

/** How many clusters a node takes. The size of a directory does not depend on where it starts. */
function clustersOf(node: Node, parent: Node | undefined): number {
  const size = node.data ? node.data.length : Math.max(1, directoryBytes(node, parent, '').length);
  return Math.ceil(size / cluster);
}

function bootSector(options: FatOptions, totalSectors: number, fatSectors: number): Buffer {
  const boot = Buffer.alloc(sector);
  boot.set([0xeb, 0x58, 0x90]);
  boot.write('KAME    ', 3, 'latin1');
  boot.writeUInt16LE(sector, 11);
  boot[13] = sectorsPerCluster;
  boot.writeUInt16LE(reservedSectors, 14);
  boot[16] = fatCopies;
  boot[21] = 0xf8;
  boot.writeUInt16LE(63, 24);
  boot.writeUInt16LE(255, 26);
  boot.writeUInt32LE(options.hiddenSectors, 28);
  boot.writeUInt32LE(totalSectors, 32);
  boot.writeUInt32LE(fatSectors, 36);
  boot.writeUInt32LE(2, 44);
  boot.writeUInt16LE(1, 48);
  boot.writeUInt16LE(6, 50);
  boot[64] = 0x80;
  boot[66] = 0x29;
  boot.writeUInt32LE(options.volumeId, 67);
  boot.write(options.label.padEnd(11), 71, 'latin1');
  boot.write('FAT32   ', 82, 'latin1');
  boot.writeUInt16LE(0xaa55, 510);
  return boot;
}

function infoSector(free: number, next: number): Buffer {
  const info = Buffer.alloc(sector);
  info.writeUInt32LE(0x41615252, 0);
  info.writeUInt32LE(0x61417272, 484);
  info.writeUInt32LE(free, 488);
  info.writeUInt32LE(next, 492);
  info.writeUInt32LE(0xaa550000, 508);
  return info;
}

interface Geometry {
  readonly totalSectors: number;
  readonly fatSectors: number;
  readonly clusters: number;
  readonly dataStart: number;
}

function geometry(sizeBytes: number): Geometry {
  const totalSectors = Math.floor(sizeBytes / sector);
  const fatSectors = Math.ceil(((totalSectors - reservedSectors) / sectorsPerCluster + 2) / (sector / 4));
  const dataSectors = totalSectors - reservedSectors - fatCopies * fatSectors;
  const clusters = Math.floor(dataSectors / sectorsPerCluster);
  if (clusters < minClusters || clusters > maxClusters) {
    throw new KameError('INVALID_VALUE', `A FAT32 volume cannot have a size of ${sizeBytes} bytes.`);
  }
  return {
    totalSectors,
    fatSectors,
    clusters,
    dataStart: (reservedSectors + fatCopies * fatSectors) * sector,
  };
}

function checkNames(options: FatOptions): void {
  for (const path of options.files.keys()) {
    const good = path.split('/').every((part) => longPattern.test(part) && !/["*:<>?\\|]|^\.+$/.test(part));
    if (!good) throw new KameError('INVALID_VALUE', `"${path}" is not a valid path on a FAT volume.`);
  }
  if (!/^[A-Z0-9 _-]{1,11}$/.test(options.label)) {
    throw new KameError('INVALID_VALUE', `"${options.label}" is not a valid label for a FAT volume.`);
  }
}

/**
 * Makes a FAT32 volume with the given files, each in contiguous clusters. Returns the parts that are not zero.
 * Format: Microsoft's FAT specification 1.03, UEFI specification 13.3.
 * @throws KameError INVALID_VALUE for a size or name that FAT32 does not allow, DISK_FULL when the files do not fit
 */
export function buildFat(options: FatOptions): Extent[] {
  checkNames(options);
  const { totalSectors, fatSectors, clusters, dataStart } = geometry(options.sizeBytes);
  const root = tree(options.files);
  const order: { node: Node; parent: Node | undefined; count: number }[] = [];
  let next = 2;
  const place = (node: Node, parent: Node | undefined) => {
    const count = clustersOf(node, parent);
    node.start = count === 0 ? 0 : next;
    next += count;
    order.push({ node, parent, count });
    for (const child of node.children.values()) place(child, node);
  };
  place(root, undefined);
  if (next - 2 > clusters) {
    throw new KameError('DISK_FULL', `The files do not fit into a FAT volume of ${options.sizeBytes} bytes.`);
  }
  const fat = Buffer.alloc(Math.ceil((next * 4) / sector) * sector);
  fat.writeUInt32LE(0x0ffffff8, 0);
  fat.writeUInt32LE(endOfChain, 4);
  const extents: Extent[] = [];
  for (const { node, parent, count } of order) {
    for (let at = node.start; at < node.start + count; at += 1) {
      fat.writeUInt32LE(at === node.start + count - 1 ? endOfChain : at + 1, at * 4);
    }
    const data = node.data ?? directoryBytes(node, parent, options.label);
    if (count > 0) extents.push({ offset: dataStart + (node.start - 2) * cluster, data });
  }
  const head = [bootSector(options, totalSectors, fatSectors), infoSector(clusters - (next - 2), next)];
  for (const [index, data] of head.entries()) {
    extents.push({ offset: index * sector, data }, { offset: (index + 6) * sector, data });
  }
  for (let copy = 0; copy < fatCopies; copy += 1) {
    extents.push({ offset: (reservedSectors + copy * fatSectors) * sector, data: fat });
  }
  return extents;
}
