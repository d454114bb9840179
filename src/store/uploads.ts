import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, KameError } from '../core/errors.ts';
import { checkUploadedFiles, mainFileOf, maxUploadedFiles } from '../model/uploaded-files.ts';
import { fileError, writeFileAtomic } from '../sys/files.ts';
import { isOwnDirectory } from '../sys/own-file.ts';
import { receiveFiles, totalBytes, type ReceptionNotices } from '../sys/receive-files.ts';
import { filesIn, readRecord, recordIn, textOfRecord, type UploadedFile } from './upload-record.ts';

/** The most uploads that are kept. */
const maxUploads = 32;
/** What nobody goes on with is removed, in milliseconds. */
const abandonedMs = 7 * 24 * 60 * 60_000;
const idForm = /^[0-9a-f]{32}$/u;

/** Files that a client has sent, or a part of them. */
export interface StoredUpload {
  readonly id: string;
  /** The file that says what all of them are. */
  readonly main: string;
  /** Bytes that are there, and that there will be. */
  readonly bytes: number;
  readonly sizeBytes: number;
  readonly changedAt: Date;
}

/** What tells these files from all others: the same find their beginning again. */
function idOf(files: readonly UploadedFile[]): string {
  const hash = createHash('sha256');
  for (const { path, sizeBytes, modifiedMs } of files) hash.update(`${path}\0${sizeBytes}\0${modifiedMs}\0`);
  return hash.digest('hex').slice(0, 32);
}

function noSuch(id: string): KameError {
  return new KameError('FILE_ACCESS', `There is no upload ${JSON.stringify(id.slice(0, 32))}.`, {
    next: 'Upload the files again.',
  });
}

/**
 * The directory of machines and appliances on their way from a client: `ID/upload.json`, which is written first and removed last,
 * and `ID/files`. What was received before a break is kept for a week.
 */
export class Uploads {
  readonly #directory: string;
  readonly #busy = new Set<string>();
  /** Bytes that still have to come, of the uploads in progress. */
  readonly #promised = new Map<string, number>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Receives files in their order, after the part of them that is there already.
   * @throws KameError INVALID_NAME, USAGE, BUSY if the same files are being uploaded or imported, WRONG_STATE if there are too many
   * uploads; and as receiveFiles
   */
  async receive(
    files: readonly UploadedFile[],
    chunks: AsyncIterable<Buffer>,
    notices: ReceptionNotices,
  ): Promise<Pick<StoredUpload, 'id' | 'main'>> {
    if (files.length > maxUploadedFiles)
      throw new KameError('USAGE', `${files.length} files are too many; ${maxUploadedFiles} are possible.`);
    checkUploadedFiles(files);
    const main = mainFileOf(files);
    const id = idOf(files);
    await this.exclusive(id, async () => {
      await this.#begin(id, files);
      const sizeBytes = totalBytes(files);
      const promisedBytes = [...this.#promised.values()].reduce((sum, bytes) => sum + bytes, 0);
      const promise = (there: number) => this.#promised.set(id, sizeBytes - there);
      const directory = this.#place(id);
      const places = files.map(({ path, ...file }) => ({ ...file, path: join(filesIn(directory), path) }));
      try {
        await receiveFiles({ label: main, directory, files: places, promisedBytes }, chunks, {
          ready: (offset) => {
            promise(offset);
            notices.ready(offset);
          },
          received: (bytes) => {
            promise(bytes);
            notices.received(bytes);
          },
        });
      } catch (error) {
        // What does not fit, and of which nothing has come, cannot go on.
        const isTooLarge = error instanceof KameError && error.code === 'DISK_FULL';
        if (isTooLarge && (await this.#read(id))?.bytes === 0) await this.remove(id);
        throw error;
      } finally {
        this.#promised.delete(id);
      }
    });
    return { id, main };
  }

  /** All uploads whose record can be read, the latest first. @throws KameError FILE_ACCESS */
  async list(): Promise<StoredUpload[]> {
    const found = await Promise.all((await this.#ids()).map((id) => this.#read(id)));
    return found
      .filter((upload) => upload !== undefined)
      .toSorted((a, b) => b.changedAt.getTime() - a.changedAt.getTime());
  }

  /** Where the files of a complete upload are. @throws KameError FILE_ACCESS if it is not there, WRONG_STATE if it is not complete */
  async complete(id: string): Promise<{ readonly directory: string; readonly main: string }> {
    const upload = idForm.test(id) ? await this.#read(id) : undefined;
    if (!upload) throw noSuch(id);
    if (upload.bytes === upload.sizeBytes) return { directory: filesIn(this.#place(id)), main: upload.main };
    throw new KameError(
      'WRONG_STATE',
      `Only ${upload.bytes} of ${upload.sizeBytes} bytes of ${upload.main} have been uploaded.`,
      { next: 'Upload the same files again: it goes on from there.' },
    );
  }

  /** Does something while nobody else uses an upload. @throws KameError BUSY */
  async exclusive<T>(id: string, work: () => Promise<T>): Promise<T> {
    if (this.#busy.has(id))
      throw new KameError('BUSY', 'These files are already being uploaded or imported.', {
        next: 'Wait until that has finished.',
      });
    this.#busy.add(id);
    try {
      return await work();
    } finally {
      this.#busy.delete(id);
    }
  }

  /** Removes what came of an upload, which the caller uses exclusively. @throws KameError FILE_ACCESS if there is none */
  async remove(id: string): Promise<void> {
    const place = this.#place(id);
    if (!idForm.test(id) || !(await isOwnDirectory(place))) throw noSuch(id);
    try {
      await rm(filesIn(place), { recursive: true, force: true });
      await rm(recordIn(place), { force: true });
      await rmdir(place);
    } catch (error) {
      throw fileError(error, place);
    }
  }

  /** Removes uploads that nobody has gone on with. Call it only while none is in progress, such as when the daemon starts. */
  async collectGarbage(now = Date.now()): Promise<void> {
    for (const id of await this.#ids()) {
      const changedAt = await this.#changedAt(id);
      if (now - changedAt.getTime() > abandonedMs) await this.remove(id);
    }
  }

  #place(id: string): string {
    return join(this.#directory, id);
  }

  async #begin(id: string, files: readonly UploadedFile[]): Promise<void> {
    const place = this.#place(id);
    try {
      const ids = await this.#ids();
      if (!ids.includes(id) && ids.length >= maxUploads)
        throw new KameError('WRONG_STATE', `There are ${ids.length} unfinished uploads already.`, {
          next: 'Finish or discard one of them.',
        });
      await mkdir(filesIn(place), { recursive: true, mode: 0o700 });
      await isOwnDirectory(place);
      await writeFileAtomic(recordIn(place), textOfRecord(files), 0o600);
    } catch (error) {
      throw fileError(error, place);
    }
  }

  async #ids(): Promise<string[]> {
    try {
      return (await readdir(this.#directory)).filter((name) => idForm.test(name));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw fileError(error, this.#directory);
    }
  }

  /** When the last file was begun or ended; the beginning of time if nothing is there. */
  async #changedAt(id: string): Promise<Date> {
    const files = (await readRecord(this.#place(id))) ?? [];
    const paths = files.map(({ path }) => join(filesIn(this.#place(id)), path));
    const found = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)));
    return new Date(Math.max(0, ...found.map((facts) => facts?.mtimeMs ?? 0)));
  }

  async #read(id: string): Promise<StoredUpload | undefined> {
    const place = this.#place(id);
    const files = await readRecord(place);
    if (!files) return undefined;
    let bytes = 0;
    for (const { path, sizeBytes } of files) {
      const size = await stat(join(filesIn(place), path)).then(
        (facts) => facts.size,
        () => undefined,
      );
      bytes += Math.min(size ?? 0, sizeBytes);
      if (size !== sizeBytes) break;
    }
    return {
      ...{ id, bytes, main: mainFileOf(files), sizeBytes: totalBytes(files) },
      changedAt: await this.#changedAt(id),
    };
  }
}
