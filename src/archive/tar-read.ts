import { ByteSource } from '../sys/byte-source.ts';
import { blockBytes, inBlocks, type ArchiveEntry } from './tar/entry.ts';
import { parsePax, type PaxValues } from './pax.ts';
import { parseHeader, type RawHeader } from './tar-header.ts';

/** Limits for an archive from a stranger. */
export interface ArchiveLimits {
  readonly maxEntries: number;
  /** Of all files together. */
  readonly maxBytes: number;
  /** Parts of a path. */
  readonly maxDepth: number;
  /** Of all paths and targets of links together: who lays them out keeps them in memory. */
  readonly maxNameBytes: number;
}

/** More than any file system holds in one directory tree of a desktop. */
export const usualLimits: ArchiveLimits = {
  maxEntries: 2_000_000,
  maxBytes: 2 ** 53 - 1,
  maxDepth: 128,
  maxNameBytes: 256 * 1024 * 1024,
};

/** Of a path (PATH_MAX of Linux) and of each of its parts (NAME_MAX). */
const maxPathBytes = 4096;
const maxPartBytes = 255;
/** Of an entry that describes the next one. */
const maxExtensionBytes = 64 * 1024;

/** An entry, and the content of a file, which must be read before the next entry; what was not read is skipped. */
export interface ArchiveItem {
  readonly entry: ArchiveEntry;
  readonly content: AsyncIterable<Buffer>;
}

export interface ReadOptions {
  readonly limits?: Partial<ArchiveLimits>;
  /** Makes the error for an archive that is malformed, too large, or names what is outside of it. */
  readonly refuse: (reason: string) => Error;
  /** Told the number of bytes of the archive that were read, after each part. */
  readonly onRead?: (bytes: number) => void;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A path in quotes for a message, shortened. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

/** Reads a tar archive, one entry after the other, and trusts nothing in it. */
class Reader {
  readonly #source: ByteSource;
  readonly #refuse: ReadOptions['refuse'];
  readonly #limits: ArchiveLimits;
  readonly #onRead: ((bytes: number) => void) | undefined;
  #entries = 0;
  #bytes = 0;
  #nameBytes = 0;

  constructor(source: ByteSource, { refuse, limits, onRead }: ReadOptions) {
    this.#source = source;
    this.#refuse = refuse;
    this.#limits = { ...usualLimits, ...limits };
    this.#onRead = onRead;
  }

  /** The next entry; undefined at the end of the archive. */
  async next(): Promise<ArchiveEntry | undefined> {
    const pending: PaxValues = {};
    for (;;) {
      const header = await this.#header();
      if (!header) return undefined;
      if (header.type !== undefined) return this.#entry(header, pending);
      Object.assign(pending, await this.#extension(header));
    }
  }

  /** The content of a file, of which `left` keeps count. */
  async *content(entry: ArchiveEntry, left: { bytes: number }): AsyncGenerator<Buffer> {
    while (left.bytes > 0) {
      const part = await this.#source.some(left.bytes);
      if (part.length === 0) throw this.#refuse(`it ends inside ${quoted(entry.path)}`);
      left.bytes -= part.length;
      this.#onRead?.(this.#source.taken);
      yield part;
    }
  }

  /** Skips the rest of a file and what fills its last block. */
  async skip(entry: ArchiveEntry, left: { bytes: number }): Promise<void> {
    for await (const _part of this.content(entry, left));
    const padding = inBlocks(entry.size) - entry.size;
    if ((await this.#source.exactly(padding)).length < padding)
      throw this.#refuse(`it ends inside ${quoted(entry.path)}`);
  }

  async #header(): Promise<RawHeader | undefined> {
    const block = await this.#source.exactly(blockBytes);
    this.#onRead?.(this.#source.taken);
    if (block.length < blockBytes) throw this.#refuse('it is truncated');
    if (block.every((byte) => byte === 0)) return undefined;
    const header = parseHeader(block);
    if (!header) throw this.#refuse('a header has a wrong checksum');
    this.#entries += 1;
    if (this.#entries > this.#limits.maxEntries)
      throw this.#refuse(`it has more than ${this.#limits.maxEntries} entries`);
    return header;
  }

  async #extension(header: RawHeader): Promise<PaxValues> {
    if (!'LKxg'.includes(header.letter))
      throw this.#refuse(`it has an entry of the unknown kind ${quoted(header.letter)}`);
    if (!(header.size <= maxExtensionBytes)) throw this.#refuse('the description of an entry is too long');
    const content = await this.#source.exactly(inBlocks(header.size));
    if (content.length < inBlocks(header.size)) throw this.#refuse('it is truncated');
    const value = content.subarray(0, header.size);
    const end = value.indexOf(0);
    const name = end < 0 ? value : value.subarray(0, end);
    if (header.letter === 'L') return { path: name };
    if (header.letter === 'K') return { linkpath: name };
    // A global header describes all entries, and none of them by what matters here.
    if (header.letter === 'g') return {};
    const values = parsePax(value);
    if (!values) throw this.#refuse('a pax header is malformed');
    return values;
  }

  #entry(header: RawHeader, pending: PaxValues): ArchiveEntry {
    const name = this.#decode(pending.path ?? header.name);
    const path = this.#path(name);
    const type = header.type === 'file' && name.endsWith('/') ? 'directory' : (header.type ?? 'other');
    const size = pending.size ?? header.size;
    const numbers = [size, header.mode, header.uid, header.gid];
    if (!numbers.every((value) => Number.isSafeInteger(value) && value >= 0))
      throw this.#refuse(`a number of ${quoted(path)} is malformed`);
    if (type !== 'file' && size !== 0) throw this.#refuse(`${quoted(path)} has content, and is not a file`);
    this.#bytes += size;
    if (this.#bytes > this.#limits.maxBytes)
      throw this.#refuse(`its files have more than ${this.#limits.maxBytes} bytes`);
    const { uid, gid, mtime } = { ...header, ...pending };
    const time = Number.isFinite(mtime) ? mtime : 0;
    const linkName = this.#linkName(type, pending.linkpath ?? header.linkName, path);
    return { path, type, mode: header.mode & 0o7777, uid, gid, mtime: time, size, linkName };
  }

  #linkName(type: ArchiveEntry['type'], bytes: Buffer, path: string): string {
    if (type !== 'symlink' && type !== 'link') return '';
    const name = this.#decode(bytes);
    if (name === '' || bytes.length > maxPathBytes)
      throw this.#refuse(`the link ${quoted(path)} leads nowhere, or its target is too long`);
    // What a symbolic link says is only data, for nothing follows it.
    return type === 'link' ? this.#path(name) : name;
  }

  #decode(bytes: Buffer): string {
    this.#nameBytes += bytes.length;
    if (this.#nameBytes > this.#limits.maxNameBytes)
      throw this.#refuse(`its names have more than ${this.#limits.maxNameBytes} bytes`);
    try {
      return utf8.decode(bytes);
    } catch {
      throw this.#refuse(`the name ${quoted(bytes.toString('latin1'))} is not UTF-8`);
    }
  }

  /** A path without `.`, which must stay inside. */
  #path(name: string): string {
    const parts = name.split('/').filter((part) => part !== '' && part !== '.');
    const isFine =
      !name.startsWith('/') &&
      !name.includes('\0') &&
      Buffer.byteLength(name) <= maxPathBytes &&
      parts.length <= this.#limits.maxDepth &&
      parts.every((part) => part !== '..' && Buffer.byteLength(part) <= maxPartBytes);
    if (!isFine) throw this.#refuse(`it has the path ${quoted(name)}, which is not allowed`);
    return parts.join('/');
  }
}

/**
 * Reads a tar archive: ustar, with the names of GNU tar and pax. Nothing in it is trusted: paths are relative and inside,
 * sizes are limited, and no more than a part of it is in memory.
 * @throws what `refuse` makes, and what the stream throws
 */
export async function* readArchive(
  chunks: AsyncIterable<Uint8Array>,
  options: ReadOptions,
): AsyncGenerator<ArchiveItem, void> {
  const source = new ByteSource(chunks);
  const reader = new Reader(source, options);
  try {
    for (let entry = await reader.next(); entry; entry = await reader.next()) {
      const left = { bytes: entry.size };
      yield { entry, content: reader.content(entry, left) };
      await reader.skip(entry, left);
    }
  } finally {
    await source.close();
  }
}
