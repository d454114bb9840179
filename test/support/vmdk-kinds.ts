import { writeFileSync } from 'node:fs';
import { at } from './vmdk.ts';

// VMDKs that qemu-img cannot make, in the directory of a test. Contents are maps of grains: their numbers, and their bytes.

export type Grains = ReadonlyMap<number, Buffer>;

const sector = 512;

export interface DescriptorLines {
  readonly createType: string;
  readonly cid: string;
  readonly parent?: { readonly name: string; readonly cid: string };
  readonly extents: readonly string[];
}

/** Writes a descriptor. */
export function writeDescriptor(name: string, { createType, cid, parent, extents }: DescriptorLines): void {
  const hint = parent ? [`parentFileNameHint="${parent.name}"`] : [];
  const lines = [
    '# Disk DescriptorFile',
    'version=1',
    `CID=${cid}`,
    `parentCID=${parent?.cid ?? 'ffffffff'}`,
    `createType="${createType}"`,
    ...hint,
    '# Extent description',
    ...extents,
    '# The Disk Data Base',
    'ddb.adapterType = "lsilogic"',
  ];
  writeFileSync(at(name), `${lines.join('\n')}\n`);
}

/** An extent of ESX (COWD): header, grain directory, the table of the first 4096 grains, then grains of one sector. */
export function cowdExtent(sectors: number, grains: Grains): Buffer {
  const table = Buffer.alloc(4096 * 4);
  const firstGrain = 4 + 1 + table.length / sector;
  const header = Buffer.alloc(4 * sector);
  header.write('COWD');
  const fields = [1, 3, sectors, 1, 4, Math.ceil(sectors / 4096)];
  for (const [place, value] of fields.entries()) header.writeUInt32LE(value, 4 + place * 4);
  const directory = Buffer.alloc(sector);
  directory.writeUInt32LE(5, 0);
  for (const [order, index] of [...grains.keys()].entries())
    table.writeUInt32LE(firstGrain + order, index * 4);
  return Buffer.concat([header, directory, table, ...grains.values()]);
}

/** A hosted sparse extent (KDMV) without a descriptor, as the parts of a split disk: grains of 64 KiB, up to 512 of them. */
export function splitExtent(sectors: number, grains: Grains): Buffer {
  const grainSectors = 128;
  const header = Buffer.alloc(sector);
  header.write('KDMV');
  header.writeUInt32LE(1, 4);
  header.writeUInt32LE(1, 8);
  header.writeBigUInt64LE(BigInt(sectors), 12);
  header.writeBigUInt64LE(BigInt(grainSectors), 20);
  header.writeUInt32LE(512, 44);
  header.writeBigUInt64LE(1n, 56);
  header.writeBigUInt64LE(BigInt(grainSectors), 64);
  header.write('\n \r\n', 73);
  const directory = Buffer.alloc(sector);
  directory.writeUInt32LE(2, 0);
  const table = Buffer.alloc((grainSectors - 2) * sector);
  for (const [order, index] of [...grains.keys()].entries())
    table.writeUInt32LE((order + 1) * grainSectors, index * 4);
  return Buffer.concat([header, directory, table, ...grains.values()]);
}

/** What a grain of a SESPARSE extent is, instead of bytes. */
export type SeGrains = ReadonlyMap<number, Buffer | 'zero' | 'unmapped'>;

const seTableBytes = 64 * sector;

/** The entry of a table for the grain of a number in the file. */
function seEntry(place: number): bigint {
  return (3n << 60n) | (BigInt(place % 4096) << 48n) | BigInt(Math.floor(place / 4096));
}

/**
 * An extent of ESXi 6.5 (SESPARSE): grains of 4 KiB. After the header come the volatile header, the directory, the tables of its
 * grains, and the grains, backwards, so that none follows its neighbour.
 * @param dirty whether its journal waits to be replayed
 */
export function seSparseExtent(sectors: number, grains: SeGrains, dirty = false): Buffer {
  const perTable = seTableBytes / 8;
  const numbers = [...new Set([...grains.keys()].map((index) => Math.floor(index / perTable)))];
  const [directoryAt, directorySectors] = [2, 8];
  const tablesAt = directoryAt + directorySectors;
  const grainsAt = tablesAt + numbers.length * 64;
  const header = Buffer.alloc(sector);
  const fields: [number, bigint][] = [
    [0, 0xcafebaben],
    [8, 0x2_0000_0001n],
    [16, BigInt(sectors)],
    [24, 8n],
    [32, 64n],
    [80, 1n],
    [88, 1n],
    [128, BigInt(directoryAt)],
    [136, BigInt(directorySectors)],
    [144, BigInt(tablesAt)],
    [152, BigInt(numbers.length * 64)],
    [192, BigInt(grainsAt)],
  ];
  for (const [place, value] of fields) header.writeBigUInt64LE(value, place);
  const state = Buffer.alloc(sector);
  state.writeBigUInt64LE(0xcafecafen, 0);
  state.writeBigUInt64LE(dirty ? 1n : 0n, 24);
  const directory = Buffer.alloc(directorySectors * sector);
  const tables = Buffer.alloc(numbers.length * seTableBytes);
  for (const [order, number] of numbers.entries())
    directory.writeBigUInt64LE((1n << 60n) | BigInt(order), number * 8);
  const data = [...grains].filter((pair): pair is [number, Buffer] => typeof pair[1] !== 'string').reverse();
  for (const [index, grain] of grains) {
    const place = numbers.indexOf(Math.floor(index / perTable)) * seTableBytes + (index % perTable) * 8;
    const order = data.findIndex(([each]) => each === index);
    const special = grain === 'zero' ? 2n << 60n : 1n << 60n;
    tables.writeBigUInt64LE(typeof grain === 'string' ? special : seEntry(order), place);
  }
  return Buffer.concat([header, state, directory, tables, ...data.map(([, bytes]) => bytes)]);
}
