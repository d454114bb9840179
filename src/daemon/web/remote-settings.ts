import { rm } from 'node:fs/promises';
import * as z from 'zod';
import { listenRemotely, type ListenRemotely } from '../../api/web.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import { writeFileAtomic } from '../../sys/files.ts';
import { readOwnIfThere } from '../../sys/own-file.ts';

const maxBytes = 64 * 1024;

/** From where other computers may use the web desktop: a file that is there as long as they may. */
export class RemoteSettings {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** @returns undefined if they may not. @throws KameError FILE_ACCESS if the file is not as this class writes it */
  async read(): Promise<ListenRemotely | undefined> {
    const bytes = await readOwnIfThere(this.#path, { maxBytes, trusted: true });
    try {
      return bytes && listenRemotely.parse(parseJson(bytes.toString('utf8')));
    } catch (error) {
      const why = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error);
      throw new KameError('FILE_ACCESS', `${this.#path} is not as Kame writes it: ${why}`, {
        next: '`kame web --listen ADDRESS` writes it anew, `kame web --off` removes it.',
        details: { path: this.#path },
        cause: error,
      });
    }
  }

  /** @throws KameError FILE_ACCESS, DISK_FULL */
  async write(settings: ListenRemotely): Promise<void> {
    await writeFileAtomic(this.#path, `${JSON.stringify(settings, undefined, 2)}\n`);
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}
