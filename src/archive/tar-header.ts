import { blockBytes, inBlocks, type ArchiveEntry, type EntryType } from './entry.ts';

// The header blocks of tar: ustar (POSIX.1-1988), with GNU's long names and large numbers, which GNU tar, busybox and BSD tar
// read alike. busybox ignores the names in pax headers. OVF (DSP0243, 5.3) wants ustar, which has the same fields.

/** Places in a header, as offset and length. */
const fields = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  sum: [148, 8],
  type: [156, 1],
  link: [157, 100],
  magic: [257, 8],
  prefix: [345, 155],
} as const;
type Field = (typeof fields)[keyof typeof fields];

const letters: Readonly<Record<Exclude<EntryType, 'other'>, string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  directory: '5',
};
const types = new Map<string, EntryType>([
  ['\0', 'file'],
  ['0', 'file'],
  ['7', 'file'],
  ['1', 'link'],
  ['2', 'symlink'],
  ['5', 'directory'],
  ['3', 'other'],
  ['4', 'other'],
  ['6', 'other'],
]);

/** A header as it is in the archive, before its names are checked. */
export interface RawHeader {
  /** The letter of its type. */
  readonly letter: string;
  /** Undefined for a letter that is not in POSIX: an extension. */
  readonly type: EntryType | undefined;
  readonly name: Buffer;
  readonly linkName: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** NaN if it is not a number. */
  readonly size: number;
  readonly mtime: number;
}

function textOf(block: Buffer, [at, length]: Field): Buffer {
  const end = block.indexOf(0, at);
  return block.subarray(at, end < 0 ? at + length : Math.min(end, at + length));
}

/** A number in octal digits or, with the top bit set, in binary (GNU). NaN if it is neither, or not exact. */
function numberOf(block: Buffer, field: Field): number {
  const [at, length] = field;
  if (((block[at] as number) & 0x80) !== 0) {
    let value = (block[at] as number) & 0x7f;
    for (let index = at + 1; index < at + length; index += 1) value = value * 256 + (block[index] as number);
    return Number.isSafeInteger(value) ? value : Number.NaN;
  }
  const text = textOf(block, field).toString('latin1').trim();
  if (text === '') return 0;
  return /^[0-7]{1,12}$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
}

function sumOf(block: Buffer): number {
  const [at, length] = fields.sum;
  let sum = length * 0x20;
  for (let index = 0; index < blockBytes; index += 1) {
    if (index < at || index >= at + length) sum += block[index] as number;
  }
  return sum;
}

/** Reads a header block. Undefined if its checksum is wrong. */
export function parseHeader(block: Buffer): RawHeader | undefined {
  if (numberOf(block, fields.sum) !== sumOf(block)) return undefined;
  const letter = String.fromCharCode(block[fields.type[0]] as number);
  const isPosix = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isPosix ? textOf(block, fields.prefix) : Buffer.alloc(0);
  const name = textOf(block, fields.name);
  return {
    letter,
    type: types.get(letter),
    name: prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]),
    linkName: textOf(block, fields.link),
    mode: numberOf(block, fields.mode),
    uid: numberOf(block, fields.uid),
    gid: numberOf(block, fields.gid),
    size: numberOf(block, fields.size),
    mtime: numberOf(block, fields.mtime),
  };
}

function putNumber(block: Buffer, [at, length]: Field, value: number): void {
  const digits = Math.max(0, Math.floor(value)).toString(8);
  if (digits.length < length) {
    block.write(digits.padStart(length - 1, '0'), at, 'latin1');
    return;
  }
  let rest = Math.floor(value);
  for (let index = at + length - 1; index > at; index -= 1) {
    block[index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  block[at] = 0x80;
}

interface BlockParts {
  readonly letter: string;
  readonly name: Buffer;
  readonly linkName: Buffer;
  readonly size: number;
  readonly entry?: ArchiveEntry;
  readonly magic?: string;
}

const gnuMagic = 'ustar  ';
const posixMagic = 'ustar\u000000';

function headerBlock({ letter, name, linkName, size, entry, magic = gnuMagic }: BlockParts): Buffer {
  const block = Buffer.alloc(blockBytes);
  name.copy(block, fields.name[0], 0, fields.name[1]);
  linkName.copy(block, fields.link[0], 0, fields.link[1]);
  putNumber(block, fields.mode, entry ? entry.mode & 0o7777 : 0o644);
  putNumber(block, fields.uid, entry?.uid ?? 0);
  putNumber(block, fields.gid, entry?.gid ?? 0);
  putNumber(block, fields.size, size);
  putNumber(block, fields.mtime, entry?.mtime ?? 0);
  block.write(letter, fields.type[0], 'latin1');
  block.write(magic, fields.magic[0], 'latin1');
  block.write(`${sumOf(block).toString(8).padStart(6, '0')}\0 `, fields.sum[0], 'latin1');
  return block;
}

/** GNU's entry for a name that does not fit into a header. */
function longName(letter: 'L' | 'K', name: Buffer): Buffer {
  const size = name.length + 1;
  const content = Buffer.alloc(inBlocks(size));
  name.copy(content);
  const block = headerBlock({ letter, name: Buffer.from('././@LongLink'), linkName: Buffer.alloc(0), size });
  return Buffer.concat([block, content]);
}

/** The header of an entry, with the blocks for its long names. Its content follows, in whole blocks. */
export function headerOf(entry: ArchiveEntry & { readonly type: Exclude<EntryType, 'other'> }): Buffer {
  const name = Buffer.from(entry.type === 'directory' ? `${entry.path}/` : entry.path);
  const linkName = Buffer.from(entry.linkName);
  const size = entry.type === 'file' ? entry.size : 0;
  return Buffer.concat([
    ...(linkName.length > fields.link[1] ? [longName('K', linkName)] : []),
    ...(name.length > fields.name[1] ? [longName('L', name)] : []),
    headerBlock({ letter: letters[entry.type], name, linkName, size, entry }),
  ]);
}

/**
 * The header of a file in POSIX's ustar format. A size from 8 GiB on, which that cannot express, is in GNU's form, as other programs
 * write it too.
 * @param name at most 100 bytes
 */
export function ustarHeader(name: string, size: number, mtime: number): Buffer {
  const entry = { path: name, type: 'file', mode: 0o644, uid: 0, gid: 0, mtime, size, linkName: '' } as const;
  const parts = { letter: letters.file, name: Buffer.from(name), linkName: Buffer.alloc(0), size, entry };
  return headerBlock({ ...parts, magic: posixMagic });
}

/** What follows the last entry. */
export const endOfArchive: Buffer = Buffer.alloc(2 * blockBytes);
