import { constants, type BigIntStats } from 'node:fs';
import {
  lstat,
  mkdir,
  open,
  opendir,
  readlink,
  realpath,
  rename,
  rmdir,
  statfs,
  unlink,
  type FileHandle,
} from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../core/errors.ts';
import { Slots } from '../core/slots.ts';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const maxNameBytes = 255;

/**
 * Node has four threads for files. A disk that does not answer, such as that of a lost server, may hold up those of shared
 * folders, but not the daemon.
 */
const calls = new Slots(2);

/** A name leads elsewhere than into its directory: it is a link, or has been replaced. Its code is that of open(2). */
function astray(path: string): Error {
  return Object.assign(new Error(`${path} does not lead into its directory.`), { code: 'ELOOP' });
}

/** @throws an error with the code EINVAL for what is no name within a directory */
function checkName(name: string): void {
  const isName = name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
  if (!isName || Buffer.byteLength(name) > maxNameBytes)
    throw Object.assign(new Error('This is not a name within a directory.'), { code: 'EINVAL' });
}

/** Bytes as text, if they are UTF-8. */
function textOf(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? text : undefined;
}

/** Reads and writes of an open file, in the same turns as all calls. */
export class ConfinedFile implements AsyncDisposable {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async stat(): Promise<BigIntStats> {
    return await calls.run(async () => await this.#handle.stat({ bigint: true }));
  }

  /** @returns the bytes at a position, none at the end of the file */
  async read(buffer: Buffer, position: number): Promise<Buffer> {
    const { bytesRead } = await calls.run(
      async () => await this.#handle.read(buffer, 0, buffer.length, position),
    );
    return buffer.subarray(0, bytesRead);
  }

  async append(bytes: Uint8Array): Promise<void> {
    await calls.run(async () => await this.#handle.appendFile(bytes));
  }

  /** Sets the permissions, without those that run a program as somebody else. */
  async chmod(mode: number): Promise<void> {
    await calls.run(async () => await this.#handle.chmod(mode & 0o777));
  }

  async setTime(seconds: number): Promise<void> {
    await calls.run(async () => await this.#handle.utimes(seconds, seconds));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

export interface ConfinedOptions {
  /** Uses paths, as where there is no /proc. Default: where there is none. */
  readonly byPath?: boolean;
}

/**
 * An open directory. Its methods take names, not paths, and follow no links, so that nobody gets out of it, whatever is moved or
 * replaced meanwhile. On Linux a name is looked up in the directory that is open, as openat(2) does, by /proc/self/fd. Elsewhere
 * Node can only use the path, so it is checked at each call that the path leads to that directory. Errors are Node's.
 */
export class ConfinedDirectory implements AsyncDisposable {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #byPath: boolean;

  private constructor(handle: FileHandle, path: string, byPath: boolean) {
    this.#handle = handle;
    this.#path = path;
    this.#byPath = byPath;
  }

  /**
   * Opens a directory of the host.
   * @param path absolute and without links; one that leads through a link is refused with ELOOP
   */
  static async open(path: string, options: ConfinedOptions = {}): Promise<ConfinedDirectory> {
    const { byPath = process.platform !== 'linux' } = options;
    const handle = await calls.run(async () => await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    const directory = new ConfinedDirectory(handle, path, byPath);
    try {
      const found = await calls.run(async () => await (byPath ? realpath(path) : readlink(directory.#self)));
      if (found !== path) throw astray(path);
      return directory;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** What the directory itself is. */
  async stat(): Promise<BigIntStats> {
    return await calls.run(async () => await this.#handle.stat({ bigint: true }));
  }

  /** What a name is: a link is a link. @returns undefined if there is none */
  async entry(name: string): Promise<BigIntStats | undefined> {
    try {
      return await this.#at(name, async (path) => await lstat(path, { bigint: true }));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async enter(name: string): Promise<ConfinedDirectory> {
    const handle = await this.#open(name, O_RDONLY | O_DIRECTORY);
    return new ConfinedDirectory(handle, join(this.#path, name), this.#byPath);
  }

  /** Opens a regular file; anything else is refused with EACCES before it is opened, since that alone may do something. */
  async openToRead(name: string): Promise<ConfinedFile> {
    return await this.#openFile(name, O_RDONLY);
  }

  /** Opens a regular file to change what is known of it. */
  async openToChange(name: string): Promise<ConfinedFile> {
    return await this.#openFile(name, O_WRONLY);
  }

  /** Makes a file, which must not exist. */
  async create(name: string): Promise<ConfinedFile> {
    return new ConfinedFile(await this.#open(name, O_WRONLY | O_CREAT | O_EXCL));
  }

  async makeDirectory(name: string): Promise<void> {
    await this.#at(name, async (path) => await mkdir(path));
  }

  /** Removes a name that is no directory; of a link, the link. */
  async removeFile(name: string): Promise<void> {
    await this.#at(name, async (path) => await unlink(path));
  }

  /** Removes an empty directory. */
  async removeDirectory(name: string): Promise<void> {
    await this.#at(name, async (path) => await rmdir(path));
  }

  /** Moves a name, in place of what has the new one. */
  async move(name: string, to: ConfinedDirectory, newName: string): Promise<void> {
    checkName(newName);
    await to.#check();
    await this.#at(name, async (path) => await rename(path, to.#pathOf(newName)));
  }

  /** The names in the directory that are UTF-8, a few at a time. */
  async *names(): AsyncGenerator<string> {
    await this.#check();
    // Latin-1 keeps all bytes.
    const path = this.#byPath ? this.#path : this.#self;
    const directory = await calls.run(async () => await opendir(path, { encoding: 'latin1' }));
    try {
      for (;;) {
        const entry = await calls.run(async () => await directory.read());
        if (entry === null) return;
        const name = textOf(Buffer.from(entry.name, 'latin1'));
        if (name !== undefined) yield name;
      }
    } finally {
      await directory.close();
    }
  }

  /** Bytes on the disk of the directory: those that are free for this user, and those in use. */
  async space(): Promise<{ readonly free: number; readonly used: number }> {
    const path = this.#byPath ? this.#path : this.#self;
    const { bavail, bfree, blocks, bsize } = await calls.run(async () => await statfs(path));
    return { free: bavail * bsize, used: (blocks - bfree) * bsize };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  get #self(): string {
    return `/proc/self/fd/${this.#handle.fd}`;
  }

  #pathOf(name: string): string {
    return `${this.#byPath ? this.#path : this.#self}/${name}`;
  }

  /** Checks that the path still leads to the directory that is open, without a link on the way. */
  async #check(): Promise<void> {
    if (!this.#byPath) return;
    const [real, there, here] = await calls.run(
      async () =>
        await Promise.all([
          realpath(this.#path),
          lstat(this.#path, { bigint: true }),
          this.#handle.stat({ bigint: true }),
        ]),
    );
    if (real !== this.#path || there.ino !== here.ino || there.dev !== here.dev) throw astray(this.#path);
  }

  async #at<T>(name: string, work: (path: string) => Promise<T>): Promise<T> {
    checkName(name);
    await this.#check();
    return await calls.run(async () => await work(this.#pathOf(name)));
  }

  async #open(name: string, flags: number): Promise<FileHandle> {
    const handle = await this.#at(
      name,
      async (path) => await open(path, flags | O_NOFOLLOW | O_NONBLOCK, 0o666),
    );
    try {
      // By path another file may have been opened meanwhile.
      await this.#check();
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async #openFile(name: string, flags: number): Promise<ConfinedFile> {
    const refused = () => Object.assign(new Error(`${name} is not a regular file.`), { code: 'EACCES' });
    const found = await this.#at(name, async (path) => await lstat(path, { bigint: true }));
    if (!found.isFile()) throw refused();
    const handle = await this.#open(name, flags);
    if ((await handle.stat()).isFile()) return new ConfinedFile(handle);
    await handle.close();
    throw refused();
  }
}
