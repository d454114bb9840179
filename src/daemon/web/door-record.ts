import { rm } from 'node:fs/promises';
import * as z from 'zod';
import { parseJson } from '../../core/json.ts';
import { writeFileAtomic } from '../../sys/files.ts';
import { readOwnIfThere } from '../../sys/own-file.ts';
import { maxUsers } from '../access/users.ts';
import { maxOpen } from './sessions.ts';

const maxBytes = 512 * 1024;

const doorRecord = z.strictObject({
  port: z.int().min(1).max(65_535),
  sessions: z
    .array(
      z.strictObject({
        hash: z.string().length(43),
        user: z.string().max(64).nullable(),
        lastUse: z.int().min(0),
      }),
    )
    .min(1)
    .max(maxOpen * maxUsers),
});
export type DoorState = z.infer<typeof doorRecord>;

/**
 * What a daemon needs to go on with the sessions of one that was killed: the port, and hashes of the secrets, from which nobody
 * gets the secrets. A daemon that ends as asked removes it.
 */
export class DoorRecord {
  readonly #path: string;
  #written: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /** What the last daemon left; undefined if it ended as asked, or the file is not as this class writes it. */
  async read(): Promise<DoorState | undefined> {
    try {
      const bytes = await readOwnIfThere(this.#path, { maxBytes, trusted: true });
      return bytes && doorRecord.parse(parseJson(bytes.toString('utf8')));
    } catch {
      // Without it, people open the page again.
      return undefined;
    }
  }

  /** Replaces the file, after what was written before. @throws KameError FILE_ACCESS, DISK_FULL */
  async write(state: DoorState): Promise<void> {
    await this.#next(async () =>
      state.sessions.length > 0
        ? await writeFileAtomic(this.#path, JSON.stringify(state))
        : await rm(this.#path, { force: true }),
    );
  }

  async remove(): Promise<void> {
    await this.#next(async () => await rm(this.#path, { force: true }));
  }

  async #next(work: () => Promise<void>): Promise<void> {
    const done = this.#written.then(work);
    this.#written = done.catch(() => undefined);
    await done;
  }
}
