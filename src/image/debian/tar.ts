import { KameError } from '../../core/errors.ts';

export interface TarEntry {
  /** Path without leading `./` or `/`; never contains `..`. */
  readonly name: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';
  readonly mode: number;
  readonly size: number;
  /** The target of a link. It is only data: nothing follows it. */
  readonly linkName: string;
}

/** An entry and, for a regular file, its bytes. */
export interface TarFile extends TarEntry {
  readonly data: Uint8Array;
}

export interface TarOptions {
  /** Name of the archive, for messages. */
  readonly name: string;
  /** Whether an entry is wanted; the bytes of other entries are skipped. */
  readonly want: (entry: TarEntry) => boolean;
  /** Maximum size of a wanted file, in bytes. Default: 256 MiB. */
  readonly maxFileBytes?: number;
  /** Maximum number of entries. Default: 200,000. */
  readonly maxEntries?: number;
}

const block = 512;
const maxNameBytes = 4096;
const types = new Map<string, TarEntry['type']>([
  ['\0', 'file'],
  ['0', 'file'],
  ['1', 'hardlink'],
  ['2', 'symlink'],
  ['5', 'directory'],
]);

/** Reads exact numbers of bytes from chunks of any size. */
class ByteQueue {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async #fill(): Promise<boolean> {
    while (this.#chunk.length === 0) {
      const next = await this.#source.next();
      if (next.done) return false;
      this.#chunk = next.value;
    }
    return true;
  }

  /** Returns the next `count` bytes, or fewer at the end of the source. */
  async take(count: number): Promise<Buffer> {
    const result = Buffer.allocUnsafe(count);
    let filled = 0;
    while (filled < count && (await this.#fill())) {
      const part = this.#chunk.subarray(0, count - filled);
      result.set(part, filled);
      filled += part.length;
      this.#chunk = this.#chunk.subarray(part.length);
    }
    return result.subarray(0, filled);
  }

  /** Skips `count` bytes; returns false if the source ends first. */
  async skip(count: number): Promise<boolean> {
    let left = count;
    while (left > 0 && (await this.#fill())) {
      const part = Math.min(left, this.#chunk.length);
      this.#chunk = this.#chunk.subarray(part);
      left -= part;
    }
    return left === 0;
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }
}

function bad(name: string, reason: string): KameError {
  return new KameError('BAD_IMAGE', `The tar archive of ${name} is not usable: ${reason}.`);
}

function field(header: Buffer, start: number, length: number): string {
  const end = header.indexOf(0, start);
  return header.toString('utf8', start, end < 0 || end > start + length ? start + length : end);
}

function octal(header: Buffer, start: number, length: number): number {
  const text = field(header, start, length).trim();
  return /^[0-7]{1,11}$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
}

function hasGoodChecksum(header: Buffer): boolean {
  let sum = 8 * 32;
  for (let index = 0; index < block; index += 1) {
    if (index < 148 || index >= 156) sum += header[index] as number;
  }
  return octal(header, 148, 8) === sum;
}

/** Normalises a path: no `./`, no trailing slash. Undefined if it leads out of the archive or is not a path. */
export function safePath(name: string): string | undefined {
  if (name.startsWith('/') || name.includes('\0') || Buffer.byteLength(name) > maxNameBytes) return undefined;
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  return parts.includes('..') ? undefined : parts.join('/');
}

/** Reads the `path` and `linkpath` records of a pax header. */
function parsePax(data: Buffer): { path?: string; linkpath?: string } {
  const result: { path?: string; linkpath?: string } = {};
  for (let offset = 0; offset < data.length;) {
    const space = data.indexOf(0x20, offset);
    const length = space < 0 ? Number.NaN : Number(data.toString('latin1', offset, space));
    if (!Number.isSafeInteger(length) || length < 5 || offset + length > data.length) break;
    const record = data.toString('utf8', space + 1, offset + length - 1);
    const equals = record.indexOf('=');
    const key = record.slice(0, equals);
    if (key === 'path' || key === 'linkpath') result[key] = record.slice(equals + 1);
    offset += length;
  }
  return result;
}

interface Pending {
  path?: string;
  linkpath?: string;
}

async function readLongName(
  queue: ByteQueue,
  header: Buffer,
  name: string,
  pending: Pending,
): Promise<boolean> {
  const type = String.fromCharCode(header[156] as number);
  if (!'LKxg'.includes(type)) return false;
  const size = octal(header, 124, 12);
  if (!(size <= 4 * maxNameBytes)) throw bad(name, 'a long name is too long');
  const data = (await queue.take(Math.ceil(size / block) * block)).subarray(0, size);
  if (data.length < size) throw bad(name, 'it is truncated');
  if (type === 'L') pending.path = data.toString('utf8').replace(/\0.*$/s, '');
  if (type === 'K') pending.linkpath = data.toString('utf8').replace(/\0.*$/s, '');
  if (type === 'x') Object.assign(pending, parsePax(data));
  return true;
}

function parseHeader(header: Buffer, name: string, pending: Pending): TarEntry {
  const prefix = field(header, 257, 6) === 'ustar' ? field(header, 345, 155) : '';
  const plain = field(header, 0, 100);
  const raw = pending.path ?? (prefix === '' ? plain : `${prefix}/${plain}`);
  const path = safePath(raw);
  if (path === undefined)
    throw bad(name, `it has an entry with the path ${JSON.stringify(raw.slice(0, 80))}`);
  const size = octal(header, 124, 12);
  if (Number.isNaN(size)) throw bad(name, `the size of ${JSON.stringify(path)} is not a number`);
  const type = types.get(String.fromCharCode(header[156] as number)) ?? 'other';
  return {
    name: path,
    type,
    mode: octal(header, 100, 8) || 0,
    size: type === 'directory' || type === 'symlink' || type === 'hardlink' ? 0 : size,
    linkName: pending.linkpath ?? field(header, 157, 100),
  };
}

/**
 * Reads a tar stream (ustar, with GNU and pax long names) and yields the wanted entries in order.
 * @throws KameError BAD_IMAGE when it is malformed, truncated, too large, or has a path that leads out of it
 */
export async function* readTar(
  chunks: AsyncIterable<Uint8Array>,
  options: TarOptions,
): AsyncGenerator<TarFile> {
  const { name, want, maxFileBytes = 256 * 1024 * 1024, maxEntries = 200_000 } = options;
  const queue = new ByteQueue(chunks);
  let pending: Pending = {};
  let entries = 0;
  try {
    for (;;) {
      const header = await queue.take(block);
      if (header.length < block) throw bad(name, 'it is truncated');
      if (header.every((byte) => byte === 0)) return;
      if (!hasGoodChecksum(header)) throw bad(name, 'an entry has a wrong checksum');
      if ((entries += 1) > maxEntries) throw bad(name, `it has more than ${maxEntries} entries`);
      if (await readLongName(queue, header, name, pending)) continue;
      const entry = parseHeader(header, name, pending);
      pending = {};
      const padding = (block - (entry.size % block)) % block;
      const wanted = want(entry);
      if (wanted && entry.size > maxFileBytes)
        throw bad(name, `${entry.name} is too large: ${entry.size} bytes`);
      const data = wanted ? await queue.take(entry.size) : new Uint8Array(0);
      if (wanted && data.length < entry.size) throw bad(name, 'it is truncated');
      if (!(await queue.skip(wanted ? padding : entry.size + padding))) throw bad(name, 'it is truncated');
      if (wanted) yield { ...entry, data };
    }
  } finally {
    await queue.close();
  }
}
