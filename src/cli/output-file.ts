import { open, type FileHandle } from 'node:fs/promises';
import { fileError } from '../sys/files.ts';
import type { Session } from './session.ts';
import { writeAll } from './write-all.ts';

/** Where a verb writes what it receives. */
export interface Output extends AsyncDisposable {
  readonly write: (data: Uint8Array) => Promise<void>;
  /** Replaces the bytes at the beginning; null where that is impossible. */
  readonly replaceStart: ((data: Uint8Array) => Promise<void>) | null;
}

/**
 * Opens a file for writing, or standard output for `-`. An existing file is overwritten.
 * @throws KameError FILE_ACCESS, DISK_FULL
 */
export async function openOutput(session: Session, file: string): Promise<Output> {
  if (file === '-') {
    return {
      write: async (data) => await writeAll(session.context.stdout, data),
      replaceStart: null,
      [Symbol.asyncDispose]: async () => await Promise.resolve(),
    };
  }
  const path = session.path(file);
  const failed = (error: unknown) => {
    throw fileError(error, path);
  };
  const handle: FileHandle = await open(path, 'w', 0o600).catch(failed);
  // A named pipe or a terminal has no beginning.
  const isFile = (await handle.stat()).isFile();
  return {
    write: async (data) => await handle.writeFile(data).catch(failed),
    replaceStart: isFile
      ? async (data) => void (await handle.write(data, 0, data.length, 0).catch(failed))
      : null,
    [Symbol.asyncDispose]: async () => await handle.close(),
  };
}
