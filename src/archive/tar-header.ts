import type { EntryType } from './tar/entry.ts';
import { fields, sumOf, type Field } from './tar/fields.ts';
import { endBytes, headerBytes, type WritableEntry } from './tar/header.ts';

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

/** The header of an entry, with the blocks for its long names. Its content follows, in whole blocks. */
export function headerOf(entry: WritableEntry): Buffer {
  return Buffer.from(headerBytes(entry).buffer);
}

/** What follows the last entry. */
export const endOfArchive: Buffer = Buffer.from(endBytes.buffer);
