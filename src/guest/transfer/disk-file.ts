import { open, rm, type FileHandle } from 'node:fs/promises';
import { writeFully } from '../../sys/write-fully.ts';
import { fileError } from '../../sys/files.ts';

// A disk that carries files into a guest, as guest/transfer/put.sh reads it: a list in the first 64 KiB, then what it names.
// Everything begins at a multiple of 64 KiB, and large pieces at one of 1 MiB, so that the guest reads past its page cache.

/** The unit in which a disk is laid out, and the size of its list. */
export const unitBytes = 64 * 1024;
/** The unit of large pieces: `dd` with it is three times as fast as with the small one. */
export const largeBytes = 1024 * 1024;
/** Room in the list for its last line. */
const reservedBytes = 64;

/** A piece of a file on the disk. */
export interface Piece {
  readonly path: string;
  /** Of the file: where the piece begins, a multiple of its unit. */
  readonly offset: number;
  readonly unit: number;
}

/** The file of a disk that is being filled. */
export class DiskFile {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #capacity: number;
  #lines: string[] = [];
  #lineBytes = 0;
  #end = unitBytes;
  /** The last piece, which the next one may continue. */
  #last: (Piece & { readonly start: number; end: number }) | undefined;

  private constructor(path: string, file: FileHandle, capacity: number) {
    this.path = path;
    this.#file = file;
    this.#capacity = capacity;
  }

  /** @param capacity bytes of its content @throws KameError FILE_ACCESS, DISK_FULL */
  static async create(path: string, capacity: number): Promise<DiskFile> {
    try {
      return new DiskFile(path, await open(path, 'wx', 0o600), capacity);
    } catch (error) {
      throw fileError(error, path);
    }
  }

  /** Whether there is room for that many bytes and a line of the list about a path. */
  hasRoom(bytes: number, path = ''): boolean {
    const pending = this.#last === undefined ? 0 : Buffer.byteLength(this.#last.path) + reservedBytes;
    const lines = this.#lineBytes + pending + Buffer.byteLength(path) + 2 * reservedBytes;
    return this.#end + largeBytes + bytes <= this.#capacity && lines <= unitBytes;
  }

  /** Adds a tar archive. */
  async addTar(archive: Buffer): Promise<void> {
    this.#flush();
    const start = this.#end;
    await this.#write(archive, start);
    this.#end = start + Math.ceil(archive.length / unitBytes) * unitBytes;
    this.#line(`T ${start / unitBytes} ${(this.#end - start) / unitBytes}`);
  }

  /** Adds a piece of a file. Its length is at most its unit; what is missing at the end of the file is filled with zeros. */
  async addPiece(piece: Piece, content: Buffer): Promise<void> {
    const { path, offset, unit } = piece;
    const last = this.#last;
    const continues =
      last?.path === path && last.unit === unit && last.offset + last.end - last.start === offset;
    if (!continues) this.#flush();
    const start = continues ? this.#end : Math.ceil(this.#end / unit) * unit;
    await this.#write(content, start);
    this.#end = start + unit;
    if (continues) last.end = this.#end;
    else this.#last = { ...piece, start, end: this.#end };
  }

  /** Ends a file that came in pieces. */
  endFile(path: string, size: number, mode: number, mtime: number): void {
    this.#flush();
    this.#line(`S ${size} ${mode.toString(8)} ${Math.floor(mtime)} 0 ${guestPath(path)}`);
  }

  /** Completes the disk. @param more whether another one follows @throws KameError DISK_FULL, FILE_ACCESS */
  async finish(more: boolean): Promise<void> {
    this.#flush();
    this.#line(more ? 'N' : 'E');
    const list = Buffer.alloc(unitBytes, '\n');
    list.write(this.#lines.join(''));
    await this.#write(list, 0);
    try {
      await this.#file.truncate(this.#end);
      await this.#file.close();
    } catch (error) {
      throw fileError(error, this.path);
    }
  }

  /** Removes the file. */
  async remove(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await rm(this.path, { force: true });
  }

  /** Writes the line of the last piece. */
  #flush(): void {
    if (!this.#last) return;
    const { path, offset, unit, start, end } = this.#last;
    this.#line(`X ${unit} ${start / unit} ${offset / unit} ${(end - start) / unit} ${guestPath(path)}`);
    this.#last = undefined;
  }

  #line(text: string): void {
    this.#lines.push(`${text}\n`);
    this.#lineBytes += Buffer.byteLength(text) + 1;
  }

  async #write(bytes: Buffer, start: number): Promise<void> {
    try {
      await writeFully(this.#file, [bytes], start);
    } catch (error) {
      throw fileError(error, this.path);
    }
  }
}

/** A path as a line of the list has it: its end is marked, for a shell drops spaces there. */
function guestPath(path: string): string {
  return `./${path}|`;
}
