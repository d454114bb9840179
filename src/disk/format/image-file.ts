import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { KameError, errnoOf } from '../../core/errors.ts';
import { allocatedOf, fileError } from '../../sys/files.ts';

/** The error for an invalid image: the message is the path followed by `reason`; `details.path` is the path. */
export function badImage(path: string, reason: string, next?: string): KameError {
  return new KameError('BAD_IMAGE', `${path} ${reason}.`, {
    details: { path },
    ...(next === undefined ? {} : { next }),
  });
}

/** What an image needs of an open file: a FileHandle has it. */
export interface OpenImage {
  read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>;
  close(): Promise<void>;
}

/** What an image needs to know about its file: Stats have it. */
export interface ImageFacts {
  readonly size: number;
  readonly blocks: number;
  readonly nlink: number;
  readonly dev: number;
  readonly ino: number;
}

/** An image opened for reading, with reads that are complete or fail. */
export class ImageFile {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** Bytes allocated on the host; less than `size` if the file has holes. */
  readonly allocated: number;
  /** Number of hard links. */
  readonly links: number;
  /** Equal for two names of the same file. */
  readonly identity: string;
  readonly #handle: OpenImage;

  /** For a file that is open already; `open` is the usual way. */
  constructor(path: string, handle: OpenImage, facts: ImageFacts) {
    this.path = path;
    this.#handle = handle;
    this.size = facts.size;
    this.allocated = allocatedOf(facts);
    this.links = facts.nlink;
    this.identity = `${facts.dev}:${facts.ino}`;
  }

  /**
   * Opens a regular file. Directories, devices, pipes and sockets are rejected without blocking. `follow: false` also
   * rejects symbolic links, for names that come from another file.
   * @throws KameError NO_SUCH_IMAGE, BAD_IMAGE, FILE_ACCESS
   */
  static async open(path: string, options: { follow: boolean } = { follow: true }): Promise<ImageFile> {
    let handle: Awaited<ReturnType<typeof open>> | undefined;
    try {
      // Checked before opening, because opening some devices has side effects, and again afterwards, to avoid a race.
      refuseOther(path, await stat(path));
      const noFollow = options.follow ? 0 : constants.O_NOFOLLOW;
      handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | noFollow);
      const facts = await handle.stat();
      refuseOther(path, facts);
      return new ImageFile(path, handle, facts);
    } catch (error) {
      await handle?.close();
      throw openError(error, path);
    }
  }

  /** Reads exactly `length` bytes at `offset`. @throws KameError BAD_IMAGE when the file is too short */
  async read(offset: number, length: number, what: string): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    await this.readAll(buffer, offset, what);
    return buffer;
  }

  /** Fills all of `buffer`. @throws KameError BAD_IMAGE when the file is too short */
  async readAll(buffer: Buffer, offset: number, what: string): Promise<void> {
    if ((await this.readInto(buffer, offset)) < buffer.length)
      throw badImage(this.path, `is truncated: ${what} is beyond its end at byte ${this.size}`);
  }

  /** Reads at most `length` bytes, fewer at the end of the file. */
  async readUpTo(offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    return buffer.subarray(0, await this.readInto(buffer, offset));
  }

  /** Fills `buffer`, as far as the file reaches; returns the number of bytes read. */
  async readInto(buffer: Buffer, offset: number): Promise<number> {
    let done = 0;
    try {
      while (done < buffer.length) {
        const { bytesRead } = await this.#handle.read(buffer, done, buffer.length - done, offset + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
    } catch (error) {
      throw fileError(error, this.path);
    }
    return done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

function refuseOther(path: string, facts: { isFile(): boolean; isDirectory(): boolean }): void {
  if (facts.isFile()) return;
  if (facts.isDirectory()) {
    throw badImage(path, 'is a directory, not a disk image', 'Give the path of the image file itself.');
  }
  throw badImage(path, 'is a device, pipe or socket, not a regular file', 'Copy it to a file first.');
}

function openError(error: unknown, path: string): KameError {
  if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') {
    return new KameError('NO_SUCH_IMAGE', `${path} does not exist.`, {
      next: 'Check the path. `kame image list` shows the images that have a name.',
      details: { path },
      cause: error,
    });
  }
  if (errnoOf(error) === 'ELOOP') {
    return badImage(path, 'is a symbolic link, which is not followed', 'Put the file itself in its place.');
  }
  return fileError(error, path);
}
