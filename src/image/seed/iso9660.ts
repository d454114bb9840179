import { KameError } from '../../core/errors.ts';

/** A file in the root of the image. */
export interface IsoFile {
  /** 1 to 60 characters of A-Z a-z 0-9 . _ - */
  readonly name: string;
  readonly data: Uint8Array;
}

export interface IsoOptions {
  /** Volume label, at most 16 letters, digits, spaces, `_` and `-`: `cidata` for cloud-init. */
  readonly label: string;
  readonly files: readonly IsoFile[];
  /** Timestamp of everything in the image; the same input yields the same bytes. */
  readonly date: Date;
}

const sector = 2048;
/** Sectors 0 to 15 are reserved for boot loaders. */
const firstDescriptor = 16;
const pathTables = { primaryL: 19, primaryM: 20, jolietL: 21, jolietM: 22 } as const;
const firstDirectory = 23;
const pathTableBytes = 10;
const maxBytes = 64 * 1024 * 1024;

/** One of the two directory trees for the same files: with plain ISO 9660 names, and with Joliet names in UCS-2. */
interface Tree {
  readonly joliet: boolean;
  readonly tableL: number;
  readonly tableM: number;
  readonly rootSector: number;
  readonly root: Buffer;
}

interface Placed {
  readonly file: IsoFile;
  readonly sector: number;
}

function both16(target: Buffer, value: number, at: number): void {
  target.writeUInt16LE(value, at);
  target.writeUInt16BE(value, at + 2);
}

function both32(target: Buffer, value: number, at: number): void {
  target.writeUInt32LE(value, at);
  target.writeUInt32BE(value, at + 4);
}

function ucs2(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

/** A plain ISO 9660 name (level 2): capital letters, digits, underscores, one dot. */
function plainName(name: string): string {
  const dot = name.lastIndexOf('.');
  const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot + 1)] : [name, ''];
  const clean = (text: string): string => text.toUpperCase().replace(/[^A-Z0-9]/gu, '_');
  return `${clean(stem).slice(0, 20)}.${clean(extension).slice(0, 8)};1`;
}

/** ECMA-119 9.1: a directory record. `identifier` 0 and 1 stand for the directory itself and its parent. */
function record(identifier: Buffer, extent: number, size: number, isDirectory: boolean, date: Date): Buffer {
  const length = 33 + identifier.length + ((identifier.length + 1) % 2);
  const bytes = Buffer.alloc(length);
  bytes[0] = length;
  both32(bytes, extent, 2);
  both32(bytes, size, 10);
  bytes.set([date.getUTCFullYear() - 1900, date.getUTCMonth() + 1, date.getUTCDate()], 18);
  bytes.set([date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds(), 0], 21);
  bytes[25] = isDirectory ? 2 : 0;
  both16(bytes, 1, 28);
  bytes[32] = identifier.length;
  identifier.copy(bytes, 33);
  return bytes;
}

/** Joins directory records, none of which crosses a sector boundary, padded to whole sectors. */
function pack(records: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [];
  let used = 0;
  for (const one of records) {
    const left = sector - (used % sector);
    if (one.length > left) {
      parts.push(Buffer.alloc(left));
      used += left;
    }
    parts.push(one);
    used += one.length;
  }
  parts.push(Buffer.alloc((sector - (used % sector)) % sector));
  return Buffer.concat(parts);
}

function rootDirectory(
  placed: readonly Placed[],
  joliet: boolean,
  at: number,
  bytes: number,
  date: Date,
): Buffer {
  const named = placed.map(({ file, sector: extent }) => ({
    identifier: joliet ? ucs2(`${file.name};1`) : Buffer.from(plainName(file.name), 'latin1'),
    extent,
    size: file.data.length,
  }));
  named.sort((one, other) => Buffer.compare(one.identifier, other.identifier));
  return pack([
    record(Buffer.from([0]), at, bytes, true, date),
    record(Buffer.from([1]), at, bytes, true, date),
    ...named.map(({ identifier, extent, size }) => record(identifier, extent, size, false, date)),
  ]);
}

/** ECMA-119 9.4: a path table with only the root. */
function pathTable(rootSector: number, bigEndian: boolean): Buffer {
  const bytes = Buffer.alloc(sector);
  bytes[0] = 1;
  if (bigEndian) bytes.writeUInt32BE(rootSector, 2);
  else bytes.writeUInt32LE(rootSector, 2);
  if (bigEndian) bytes.writeUInt16BE(1, 6);
  else bytes.writeUInt16LE(1, 6);
  return bytes;
}

/** ECMA-119 8.4 and 8.5: a primary volume descriptor, or Joliet's supplementary one. */
function descriptor(tree: Tree, options: IsoOptions, sectors: number): Buffer {
  const bytes = Buffer.alloc(sector);
  const text = (value: string, at: number, length: number): void => {
    const padded = tree.joliet ? ucs2(value.padEnd(length / 2)) : Buffer.from(value.padEnd(length), 'latin1');
    padded.copy(bytes, at, 0, length);
  };
  bytes[0] = tree.joliet ? 2 : 1;
  bytes.write('CD001', 1, 'latin1');
  bytes[6] = 1;
  text('', 8, 32);
  text(options.label, 40, 32);
  both32(bytes, sectors, 80);
  // The escape sequence of UCS-2 level 3.
  if (tree.joliet) bytes.write('%/E', 88, 'latin1');
  both16(bytes, 1, 120);
  both16(bytes, 1, 124);
  both16(bytes, sector, 128);
  both32(bytes, pathTableBytes, 132);
  bytes.writeUInt32LE(tree.tableL, 140);
  bytes.writeUInt32BE(tree.tableM, 148);
  record(Buffer.from([0]), tree.rootSector, tree.root.length, true, options.date).copy(bytes, 156);
  for (const [at, length] of [
    [190, 128],
    [318, 128],
    [446, 128],
    [574, 128],
    [702, 36],
    [740, 36],
    [776, 36],
  ] as const) {
    text('', at, length);
  }
  const stamp = options.date.toISOString().replace(/\D/gu, '').slice(0, 16);
  for (const at of [813, 830]) bytes.write(stamp, at, 'latin1');
  for (const at of [847, 864]) bytes.write('0'.repeat(16), at, 'latin1');
  bytes[881] = 1;
  return bytes;
}

function checkFiles({ label, files }: IsoOptions): void {
  const bad = files.find(({ name }) => !/^[A-Za-z0-9._-]{1,60}$/u.test(name));
  if (bad) throw new KameError('INVALID_VALUE', `"${bad.name}" is not a valid file name for a seed image.`);
  if (!/^[A-Za-z0-9_ -]{1,16}$/u.test(label))
    throw new KameError('INVALID_VALUE', `"${label}" is not a valid volume label.`);
  if (new Set(files.map(({ name }) => plainName(name))).size < files.length) {
    throw new KameError('INVALID_VALUE', 'Two files of a seed image have the same ISO 9660 name.');
  }
  const bytes = files.reduce((sum, { data }) => sum + data.length, 0);
  if (bytes > maxBytes) throw new KameError('INVALID_VALUE', `A seed image of ${bytes} bytes is too large.`);
}

/**
 * Makes an ISO 9660 image with Joliet names and all files in its root, which NoCloud in cloud-init and Windows setup
 * can read. Layout: ECMA-119 and Microsoft's Joliet specification.
 * @throws KameError INVALID_VALUE for names or sizes that do not fit
 */
export function makeIso(options: IsoOptions): Buffer {
  checkFiles(options);
  const { files, date } = options;
  const sizeOf = (joliet: boolean): number =>
    rootDirectory(
      files.map((file) => ({ file, sector: 0 })),
      joliet,
      0,
      0,
      date,
    ).length;
  const [plainBytes, jolietBytes] = [sizeOf(false), sizeOf(true)];
  const jolietSector = firstDirectory + plainBytes / sector;
  let next = jolietSector + jolietBytes / sector;
  const placed = files.map((file) => {
    const at = next;
    next += Math.ceil(file.data.length / sector);
    return { file, sector: at };
  });
  const plain: Tree = {
    joliet: false,
    tableL: pathTables.primaryL,
    tableM: pathTables.primaryM,
    rootSector: firstDirectory,
    root: rootDirectory(placed, false, firstDirectory, plainBytes, date),
  };
  const joliet: Tree = {
    joliet: true,
    tableL: pathTables.jolietL,
    tableM: pathTables.jolietM,
    rootSector: jolietSector,
    root: rootDirectory(placed, true, jolietSector, jolietBytes, date),
  };
  return assemble(options, [plain, joliet], placed, next);
}

function assemble(
  options: IsoOptions,
  trees: readonly Tree[],
  placed: readonly Placed[],
  sectors: number,
): Buffer {
  const image = Buffer.alloc(sectors * sector);
  trees.forEach((tree, index) => {
    descriptor(tree, options, sectors).copy(image, (firstDescriptor + index) * sector);
    pathTable(tree.rootSector, false).copy(image, tree.tableL * sector);
    pathTable(tree.rootSector, true).copy(image, tree.tableM * sector);
    tree.root.copy(image, tree.rootSector * sector);
  });
  Buffer.from([255, 0x43, 0x44, 0x30, 0x30, 0x31, 1]).copy(image, (firstDescriptor + trees.length) * sector);
  for (const { file, sector: at } of placed) Buffer.from(file.data).copy(image, at * sector);
  return image;
}
