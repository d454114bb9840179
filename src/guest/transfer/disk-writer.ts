import { KameError } from '../../core/errors.ts';
import { isHole } from '../../archive/sparse.ts';
import { inBlocks, type ArchiveEntry } from '../../archive/tar/entry.ts';
import { endOfArchive, headerOf } from '../../archive/tar-header.ts';
import type { ArchiveItem } from '../../archive/tar-read.ts';
import { largeBytes, unitBytes, type DiskFile } from './disk-file.ts';

/** Larger files come in pieces, which the guest writes faster than its tar would. */
const largeFile = 256 * 1024;
/** A tar archive of small files is closed when it has this size, in bytes. */
const tarBytes = 4 * 1024 * 1024;

export interface DiskWriterOptions {
  /** Makes the next disk. */
  readonly create: () => Promise<DiskFile>;
  /** Hands a complete disk over. Resolves when there is room for another one. */
  readonly plug: (disk: DiskFile, last: boolean) => Promise<void>;
  /** Makes the error for what cannot be in the guest. */
  readonly refuse: (reason: string) => Error;
}

function isPlain(
  entry: ArchiveEntry,
): entry is ArchiveEntry & { type: 'file' | 'directory' | 'symlink' | 'link' } {
  return entry.type !== 'other';
}

/** Turns the entries of an archive into disks, one after the other. */
export class DiskWriter {
  readonly #options: DiskWriterOptions;
  #disk: DiskFile | undefined;
  #tar: Buffer[] = [];
  #tarSize = 0;
  readonly #directories: ArchiveEntry[] = [];
  files = 0;
  bytes = 0;

  constructor(options: DiskWriterOptions) {
    this.#options = options;
  }

  async add({ entry, content }: ArchiveItem): Promise<void> {
    if (entry.path === '' || !isPlain(entry))
      throw this.#options.refuse(
        `${JSON.stringify(entry.path)} is neither a file nor a directory nor a link`,
      );
    if (entry.type === 'directory') this.#directories.push(entry);
    else this.files += 1;
    this.bytes += entry.size;
    if (entry.size > largeFile) await this.#large({ ...entry, type: 'file' }, content);
    else {
      const parts = [headerOf(entry)];
      for await (const part of content) parts.push(part);
      parts.push(Buffer.alloc(inBlocks(entry.size) - entry.size));
      await this.#small(parts);
    }
  }

  /** Hands over the last disk. */
  async end(): Promise<void> {
    // The times of directories last, after all that is in them.
    for (const entry of this.#directories) await this.#small([headerOf({ ...entry, type: 'directory' })]);
    await this.#flushTar();
    const disk = await this.#room(0);
    await this.#handOver(disk, true);
  }

  /** Removes the disk that is being filled. */
  async discard(): Promise<void> {
    await this.#disk?.remove();
    this.#disk = undefined;
  }

  async #small(parts: readonly Buffer[]): Promise<void> {
    this.#tar.push(...parts);
    for (const part of parts) this.#tarSize += part.length;
    if (this.#tarSize >= tarBytes) await this.#flushTar();
  }

  async #flushTar(): Promise<void> {
    if (this.#tarSize === 0) return;
    const archive = Buffer.concat([...this.#tar, endOfArchive]);
    this.#tar = [];
    this.#tarSize = 0;
    const disk = await this.#room(archive.length);
    await disk.addTar(archive);
  }

  /** A large file: an empty one in the tar archive, and then its pieces, without its holes. */
  async #large(entry: ArchiveEntry & { type: 'file' }, content: AsyncIterable<Buffer>): Promise<void> {
    if (entry.path.includes('\n'))
      throw this.#options.refuse(`the name of the large file ${JSON.stringify(entry.path)} has a line break`);
    await this.#small([headerOf({ ...entry, size: 0 })]);
    await this.#flushTar();
    let offset = 0;
    for await (const piece of inPieces(content, largeBytes)) {
      await this.#piece(entry.path, offset, piece);
      offset += piece.length;
    }
    const disk = await this.#room(0, entry.path);
    disk.endFile(entry.path, entry.size, entry.mode, entry.mtime);
  }

  async #piece(path: string, offset: number, piece: Buffer): Promise<void> {
    const units: Buffer[] = [];
    for (let at = 0; at < piece.length; at += unitBytes) units.push(piece.subarray(at, at + unitBytes));
    if (piece.length === largeBytes && !units.some(isHole)) {
      const disk = await this.#room(largeBytes, path);
      await disk.addPiece({ path, offset, unit: largeBytes }, piece);
      return;
    }
    for (const [index, unit] of units.entries()) {
      if (isHole(unit)) continue;
      const disk = await this.#room(unitBytes, path);
      await disk.addPiece({ path, offset: offset + index * unitBytes, unit: unitBytes }, unit);
    }
  }

  /** The disk that has room for so much. */
  async #room(bytes: number, path?: string): Promise<DiskFile> {
    if (this.#disk && !this.#disk.hasRoom(bytes, path)) await this.#handOver(this.#disk, false);
    this.#disk ??= await this.#options.create();
    return this.#disk;
  }

  /** Completes a disk, which is no longer this one's to remove only when it is complete. */
  async #handOver(disk: DiskFile, last: boolean): Promise<void> {
    await disk.finish(!last);
    this.#disk = undefined;
    await this.#options.plug(disk, last);
  }
}

/** The same bytes in pieces of that size; the last one may be smaller. Each is only valid until the next one is asked for. */
async function* inPieces(content: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  const piece = Buffer.allocUnsafeSlow(size);
  let used = 0;
  for await (const part of content) {
    for (let at = 0; at < part.length;) {
      const now = part.copy(piece, used, at, at + size - used);
      used += now;
      at += now;
      if (used < size) continue;
      yield piece;
      used = 0;
    }
  }
  if (used > 0) yield piece.subarray(0, used);
}

/** The error for an archive that a client sent. */
export function badArchive(reason: string): KameError {
  return new KameError('INVALID_VALUE', `The archive cannot be copied: ${reason}.`, {
    next: 'It must be a tar archive of files, directories and links.',
  });
}
