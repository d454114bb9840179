import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExtentFile } from '../../disk/vmdk/extents.ts';
import { writeFully } from '../../sys/write-fully.ts';

/** The new files of a flat disk, which are filled in their order: one at a time is open. */
export class FlatFiles implements AsyncDisposable {
  readonly #paths: readonly string[];
  #current: { readonly index: number; readonly file: FileHandle } | undefined;

  private constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  /** Makes the files, with their sizes, full of zeros. @throws the error of the file system */
  static async create(directory: string, extents: readonly ExtentFile[]): Promise<FlatFiles> {
    const paths = extents.map(({ fileName }) => join(directory, fileName));
    for (const [index, path] of paths.entries()) {
      await using file = await open(path, 'wx', 0o600);
      await file.truncate(extents[index]?.size ?? 0);
    }
    return new FlatFiles(paths);
  }

  async write(index: number, bytes: Buffer, position: number): Promise<void> {
    if (this.#current?.index !== index) {
      await this.finish();
      this.#current = { index, file: await open(this.#paths[index] ?? '', 'r+') };
    }
    await writeFully(this.#current.file, [bytes], position);
  }

  /** Brings what was written to the disk. */
  async finish(): Promise<void> {
    await this.#current?.file.datasync();
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    await current?.file.close();
  }
}
