import { crc32c } from '../../src/disk/vhdx/crc32c.ts';

// Disks of Hyper-V as [MS-VHDX] describes them, in a few pieces with nothing but zeros between them.

/** Bytes at a place of a file. */
export interface FilePiece {
  readonly at: number;
  readonly bytes: Buffer;
}

const kibibyte = 1024;
export const mebibyte = 1024 * 1024;
const headersAt = [64 * kibibyte, 128 * kibibyte] as const;
const regionsAt = 192 * kibibyte;
const metadataAt = 2 * mebibyte;
const tableAt = 3 * mebibyte;
export const dataAt = 4 * mebibyte;
/** The blocks of these disks have one megabyte. */
const blockBytes = mebibyte;

/** A GUID as it is stored. */
export function guidBytes(text: string): Buffer {
  const [a = '', b = '', c = '', ...rest] = text.split('-');
  const reversed = [a, b, c].map((hex) => Buffer.from(hex, 'hex').reverse());
  return Buffer.concat([...reversed, Buffer.from(rest.join(''), 'hex')]);
}

/** Puts the CRC-32C of `covered` bytes, zeros behind those that are there, at byte 4. */
export function sealed(bytes: Buffer, covered: number): Buffer {
  if (bytes.length < 8) return bytes;
  bytes.writeUInt32LE(0, 4);
  bytes.writeUInt32LE(crc32c(Buffer.concat([bytes, Buffer.alloc(covered)]).subarray(0, covered)), 4);
  return bytes;
}

export interface HeaderFields {
  readonly sequence: number;
  readonly logGuid?: string;
  readonly logBytes?: number;
  readonly version?: number;
}

function header({ sequence, logGuid, logBytes = mebibyte, version = 1 }: HeaderFields): Buffer {
  const bytes = Buffer.alloc(80);
  bytes.write('head');
  bytes.writeBigUInt64LE(BigInt(sequence), 8);
  if (logGuid !== undefined) guidBytes(logGuid).copy(bytes, 48);
  bytes.writeUInt16LE(version, 66);
  bytes.writeUInt32LE(logBytes, 68);
  bytes.writeBigUInt64LE(BigInt(mebibyte), 72);
  return sealed(bytes, 4096);
}

function region(guid: string, at: number, required = 1): Buffer {
  const bytes = Buffer.concat([guidBytes(guid), Buffer.alloc(16)]);
  bytes.writeBigUInt64LE(BigInt(at), 16);
  bytes.writeUInt32LE(mebibyte, 24);
  bytes.writeUInt32LE(required, 28);
  return bytes;
}

function regionTable(more: readonly Buffer[]): Buffer {
  const regions = [
    region('2dc27766-f623-4200-9d64-115e9bfd4a08', tableAt),
    region('8b7ca206-4790-4b9a-b8fe-575f050f886e', metadataAt),
    ...more,
  ];
  const head = Buffer.alloc(16);
  head.write('regi');
  head.writeUInt32LE(regions.length, 8);
  return sealed(Buffer.concat([head, ...regions]), 64 * kibibyte);
}

/** A region of an unknown kind. */
export const unknownRegion = (required: number): Buffer =>
  region('00000000-0000-0000-0000-000000000001', 20 * mebibyte, required);

interface MetadataItem {
  readonly guid: string;
  readonly value: Buffer;
  readonly flags?: number;
}

const number = (value: number, bytes: 4 | 8): Buffer => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return buffer.subarray(0, bytes);
};

function metadata(items: readonly MetadataItem[]): FilePiece[] {
  const table = Buffer.alloc(32 * (items.length + 1));
  table.write('metadata');
  table.writeUInt16LE(items.length, 10);
  let offset = 64 * kibibyte;
  for (const [index, { guid, value, flags = 6 }] of items.entries()) {
    const at = 32 * (index + 1);
    guidBytes(guid).copy(table, at);
    table.writeUInt32LE(offset, at + 16);
    table.writeUInt32LE(value.length, at + 20);
    table.writeUInt32LE(flags, at + 24);
    offset += value.length;
  }
  const values = Buffer.concat(items.map(({ value }) => value));
  return [
    { at: metadataAt, bytes: table },
    { at: metadataAt + 64 * kibibyte, bytes: values },
  ];
}

export interface VhdxOptions {
  readonly diskBytes?: number;
  readonly sectorBytes?: number;
  readonly blockSize?: number;
  /** Flags of the file parameters: 2 for a disk of differences. */
  readonly flags?: number;
  readonly headers?: readonly HeaderFields[];
  /** Entries of the block allocation table: place in megabytes and state. */
  readonly table?: readonly (readonly [megabyte: number, state: number])[];
  readonly regions?: readonly Buffer[];
  readonly items?: readonly MetadataItem[];
}

/** A disk of three blocks, of which the first and the last have data. */
export function vhdxPieces(options: VhdxOptions = {}): FilePiece[] {
  const {
    diskBytes = 3 * blockBytes,
    sectorBytes = 512,
    blockSize = blockBytes,
    flags = 0,
    headers = [{ sequence: 1 }, { sequence: 2 }],
    table = [
      [4, 6],
      [0, 0],
      [5, 6],
    ],
    regions = [],
    items = [],
  } = options;
  const entries = Buffer.alloc(table.length * 8);
  for (const [index, [megabyte, state]] of table.entries())
    entries.writeBigUInt64LE((BigInt(megabyte) << 20n) | BigInt(state), index * 8);
  return [
    { at: 0, bytes: Buffer.from('vhdxfile') },
    ...headers.map((fields, index) => ({ at: headersAt[index] ?? 0, bytes: header(fields) })),
    { at: regionsAt, bytes: regionTable(regions) },
    ...metadata([
      {
        guid: 'caa16737-fa36-4d43-b3b6-33f0aa44e76b',
        value: Buffer.concat([number(blockSize, 4), number(flags, 4)]),
      },
      { guid: '2fa54224-cd1b-4876-b211-5dbed83bf4b8', value: number(diskBytes, 8) },
      { guid: '8141bf1d-a96f-4709-ba47-f233a8faab5f', value: number(sectorBytes, 4) },
      ...items,
    ]),
    { at: tableAt, bytes: entries },
    { at: dataAt, bytes: Buffer.from('first block') },
    { at: dataAt + 2 * mebibyte - 4, bytes: Buffer.from('last') },
  ];
}

/** The file that pieces make. */
export function fileOf(pieces: readonly FilePiece[]): Buffer {
  const size = Math.max(...pieces.map(({ at, bytes }) => at + bytes.length));
  const file = Buffer.alloc(Math.ceil(size / mebibyte) * mebibyte);
  for (const { at, bytes } of pieces) bytes.copy(file, at);
  return file;
}

/** What an entry of the log writes: a sector, or zeros if only their length is given. */
export type LogWrite = { readonly at: number } & ({ readonly sector: Buffer } | { readonly zeros: number });

export interface LogFields {
  readonly guid: string;
  readonly sequence: number;
  /** Offset in the log of the first entry that must be replayed. */
  readonly tail: number;
  readonly fileBytes: number;
  readonly writes: readonly LogWrite[];
}

function descriptorOf(write: LogWrite, sequence: number): Buffer {
  const bytes = Buffer.alloc(32);
  if ('sector' in write) {
    bytes.write('desc');
    write.sector.copy(bytes, 4, 4092, 4096);
    write.sector.copy(bytes, 8, 0, 8);
  } else {
    bytes.write('zero');
    bytes.writeBigUInt64LE(BigInt(write.zeros), 8);
  }
  bytes.writeBigUInt64LE(BigInt(write.at), 16);
  bytes.writeBigUInt64LE(BigInt(sequence), 24);
  return bytes;
}

function dataSector(sector: Buffer, sequence: number): Buffer {
  const bytes = Buffer.from(sector);
  bytes.write('data');
  bytes.writeUInt32LE(0, 4);
  bytes.writeUInt32LE(sequence, 4092);
  return bytes;
}

/** An entry of the log with at most 126 writes. */
export function logEntry({ guid, sequence, tail, fileBytes, writes }: LogFields): Buffer {
  const sectors = writes.flatMap((write) => ('sector' in write ? [dataSector(write.sector, sequence)] : []));
  const head = Buffer.alloc(4096);
  head.write('loge');
  head.writeUInt32LE(4096 * (sectors.length + 1), 8);
  head.writeUInt32LE(tail, 12);
  head.writeBigUInt64LE(BigInt(sequence), 16);
  head.writeUInt32LE(writes.length, 24);
  guidBytes(guid).copy(head, 32);
  head.writeBigUInt64LE(BigInt(fileBytes), 48);
  head.writeBigUInt64LE(BigInt(fileBytes), 56);
  Buffer.concat(writes.map((write) => descriptorOf(write, sequence))).copy(head, 64);
  const entry = Buffer.concat([head, ...sectors]);
  return sealed(entry, entry.length);
}
