import { blockBytes, inBlocks, type ArchiveEntry, type EntryType } from './entry.ts';
import { fields, sumOf, type Field } from './fields.ts';

// What Kame writes is ustar with GNU's long names and large numbers, which GNU tar, busybox and BSD tar read alike. busybox
// ignores the names in pax headers.

/** An entry of a kind that can be written. */
export type WritableEntry = ArchiveEntry & { readonly type: Exclude<EntryType, 'other'> };

const letters: Readonly<Record<WritableEntry['type'], string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  directory: '5',
};

const encoder = new TextEncoder();

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function putText(block: Uint8Array, [at]: Field, text: string): void {
  block.set(encoder.encode(text), at);
}

function putNumber(block: Uint8Array, field: Field, value: number): void {
  const [at, length] = field;
  let rest = Math.max(0, Math.floor(value));
  const digits = rest.toString(8);
  if (digits.length < length) {
    putText(block, field, digits.padStart(length - 1, '0'));
    return;
  }
  for (let index = at + length - 1; index > at; index -= 1) {
    block[index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  block[at] = 0x80;
}

interface BlockParts {
  readonly letter: string;
  readonly name: Uint8Array;
  readonly linkName: Uint8Array;
  readonly size: number;
  readonly entry?: ArchiveEntry;
  /** Of GNU unless it is given. */
  readonly magic?: string;
}

function headerBlock({ letter, name, linkName, size, entry, magic }: BlockParts): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(blockBytes);
  block.set(name.subarray(0, fields.name[1]), fields.name[0]);
  block.set(linkName.subarray(0, fields.link[1]), fields.link[0]);
  putNumber(block, fields.mode, entry ? entry.mode & 0o7777 : 0o644);
  putNumber(block, fields.uid, entry?.uid ?? 0);
  putNumber(block, fields.gid, entry?.gid ?? 0);
  putNumber(block, fields.size, size);
  putNumber(block, fields.mtime, entry?.mtime ?? 0);
  putText(block, fields.type, letter);
  putText(block, fields.magic, magic ?? 'ustar  ');
  putText(block, fields.sum, `${sumOf(block).toString(8).padStart(6, '0')}\0 `);
  return block;
}

/** GNU's entry for a name that does not fit into a header. */
function longName(letter: 'L' | 'K', name: Uint8Array): Uint8Array {
  const size = name.length + 1;
  const content = new Uint8Array(inBlocks(size));
  content.set(name);
  const first = { letter, name: encoder.encode('././@LongLink'), linkName: new Uint8Array(), size };
  return joined([headerBlock(first), content]);
}

/** The header of an entry, with the blocks for its long names. Its content follows, in whole blocks. */
export function headerBytes(entry: WritableEntry): Uint8Array<ArrayBuffer> {
  const name = encoder.encode(entry.type === 'directory' ? `${entry.path}/` : entry.path);
  const linkName = encoder.encode(entry.linkName);
  const size = entry.type === 'file' ? entry.size : 0;
  return joined([
    ...(linkName.length > fields.link[1] ? [longName('K', linkName)] : []),
    ...(name.length > fields.name[1] ? [longName('L', name)] : []),
    headerBlock({ letter: letters[entry.type], name, linkName, size, entry }),
  ]);
}

/**
 * The header of a file as POSIX has it, which OVF wants (DSP0243, 5.3). A size from 8 GiB on, which that cannot express, is in the
 * form of GNU, as other programs write it too.
 * @param name at most 100 bytes
 */
export function ustarHeader(name: string, size: number, mtime: number): Uint8Array<ArrayBuffer> {
  const entry = { path: name, type: 'file', mode: 0o644, uid: 0, gid: 0, mtime, size, linkName: '' } as const;
  const names = { name: encoder.encode(name), linkName: new Uint8Array() };
  return headerBlock({ letter: letters.file, ...names, size, entry, magic: 'ustar\u000000' });
}

/** What follows the last entry. */
export const endBytes = new Uint8Array(2 * blockBytes);
