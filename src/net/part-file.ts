import { createHash, type Hash } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { fileError, readFileCapped, writeFileAtomic } from '../sys/files.ts';
import type { HashAlgorithm } from './checksum.ts';

/** What is needed to continue an incomplete download. */
interface Validator {
  readonly url: string;
  /** The value for If-Range: a strong ETag, otherwise Last-Modified. */
  readonly validator: string;
}

export type Hashes = Readonly<Record<HashAlgorithm, string>>;

/** An incomplete download: the bytes so far, their hashes, and the validator with which it can be continued. */
export class PartFile {
  readonly path: string;
  /** Bytes written. */
  size = 0;
  validator: string | undefined;
  readonly #url: string;
  readonly #handle: FileHandle;
  #sha256: Hash = createHash('sha256');
  #sha512: Hash = createHash('sha512');

  private constructor(path: string, url: string, handle: FileHandle) {
    this.path = path;
    this.#url = url;
    this.#handle = handle;
  }

  /** Opens the bytes of an earlier attempt, and reads them once for their hashes, or starts a new file. */
  static async open(path: string, url: string): Promise<PartFile> {
    try {
      const part = new PartFile(path, url, await open(path, 'a+', 0o600));
      try {
        await part.#resume();
      } catch (error) {
        await part.close();
        throw error;
      }
      return part;
    } catch (error) {
      throw fileError(error, path);
    }
  }

  async append(data: Buffer): Promise<void> {
    try {
      await this.#handle.appendFile(data);
    } catch (error) {
      throw fileError(error, this.path);
    }
    this.#count(data);
  }

  /** Discards the bytes so far. `validator` belongs to the bytes to come. */
  async restart(validator: string | undefined): Promise<void> {
    await this.#handle.truncate(0);
    this.size = 0;
    this.#sha256 = createHash('sha256');
    this.#sha512 = createHash('sha512');
    this.validator = validator;
    if (validator === undefined) await rm(`${this.path}.json`, { force: true });
    else
      await writeFileAtomic(
        `${this.path}.json`,
        JSON.stringify({ url: this.#url, validator } satisfies Validator),
      );
  }

  hashes(): Hashes {
    return { sha256: this.#sha256.copy().digest('hex'), sha512: this.#sha512.copy().digest('hex') };
  }

  async sync(): Promise<void> {
    await this.#handle.sync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  /** Closes and removes the part and its validator. */
  async discard(): Promise<void> {
    await this.close();
    await removePart(this.path);
  }

  #count(data: Buffer): void {
    this.size += data.length;
    this.#sha256.update(data);
    this.#sha512.update(data);
  }

  async #resume(): Promise<void> {
    const known = await readValidator(`${this.path}.json`);
    if (known?.url !== this.#url) {
      await this.restart(undefined);
      return;
    }
    this.validator = known.validator;
    const buffer = Buffer.allocUnsafe(1024 * 1024);
    for (;;) {
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, this.size);
      if (bytesRead === 0) return;
      this.#count(buffer.subarray(0, bytesRead));
    }
  }
}

export async function removePart(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(`${path}.json`, { force: true });
}

async function readValidator(path: string): Promise<Validator | undefined> {
  try {
    const value: unknown = JSON.parse((await readFileCapped(path, 64 * 1024)).toString('utf8'));
    if (typeof value !== 'object' || value === null || !('url' in value) || !('validator' in value))
      return undefined;
    const { url, validator } = value;
    if (typeof url !== 'string' || typeof validator !== 'string' || /[\r\n]/u.test(validator))
      return undefined;
    return { url, validator };
  } catch {
    // If the file is missing or malformed, the download starts from the beginning.
    return undefined;
  }
}
