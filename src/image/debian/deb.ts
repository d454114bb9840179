import type { ArchiveEntry } from '../../archive/tar/entry.ts';
import { readArchive, type ArchiveItem } from '../../archive/tar-read.ts';
import { KameError } from '../../core/errors.ts';
import { readAr } from './ar.ts';
import { decompressXz } from './xz.ts';

/** What a package would put somewhere. */
export type DebEntry = Pick<ArchiveEntry, 'path' | 'type' | 'mode' | 'size' | 'linkName'>;

/** An entry and, for a regular file, its bytes. */
export interface DebFile extends DebEntry {
  readonly data: Uint8Array;
}

export interface DebOptions {
  /** Of the package, for messages. */
  readonly name: string;
  /** Whether an entry is wanted; the bytes of others are skipped. */
  readonly want: (entry: DebEntry) => boolean;
  readonly signal?: AbortSignal;
}

/** More than any package we use takes when unpacked: the kernel of Debian is 0.4 GB. */
const maxUnpackedBytes = 2 * 1024 ** 3;
/** Of a file that is wanted. */
const maxFileBytes = 256 * 1024 ** 2;
const maxEntries = 200_000;

async function bytesOf({ entry, content }: ArchiveItem): Promise<Buffer> {
  const data = Buffer.allocUnsafe(entry.size);
  let filled = 0;
  for await (const part of content) filled += part.copy(data, filled);
  return data;
}

/**
 * Reads the wanted files of a .deb: path -> entry. Writes no files and runs no maintainer scripts.
 * @throws KameError BAD_IMAGE when it is malformed, truncated, too large, or has a path that leads out of it; CANCELLED
 */
export async function readDeb(data: Uint8Array, options: DebOptions): Promise<Map<string, DebFile>> {
  const { name, want, signal } = options;
  const members = readAr(data);
  const contents = members.get('data.tar.xz');
  if (!contents) {
    throw new KameError(
      'BAD_IMAGE',
      `The package ${name} has no data.tar.xz, only ${[...members.keys()].join(', ')}.`,
    );
  }
  const refuse = (reason: string) =>
    new KameError('BAD_IMAGE', `The archive in the package ${name} is not usable: ${reason}.`);
  const chunks = decompressXz(contents, {
    name,
    maxBytes: maxUnpackedBytes,
    ...(signal ? { signal } : {}),
  });
  const files = new Map<string, DebFile>();
  for await (const item of readArchive(chunks, { limits: { maxEntries }, refuse })) {
    const { entry } = item;
    if (!want(entry)) continue;
    if (entry.size > maxFileBytes) throw refuse(`${entry.path} is too large: ${entry.size} bytes`);
    files.set(entry.path, { ...entry, data: await bytesOf(item) });
  }
  return files;
}
