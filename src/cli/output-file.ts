import { open, type FileHandle } from 'node:fs/promises';
import { KameError } from '../core/errors.ts';
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
 * Refuses to write bytes to a terminal.
 * @param what the bytes, as the beginning of a sentence
 * @param example a command line that passes them to a program
 * @throws KameError USAGE
 */
export function refuseTerminal({ context }: Session, file: string, what: string, example: string): void {
  if (file !== '-' || context.stdout.isTTY !== true) return;
  throw new KameError('USAGE', `${what} is not text, and standard output is a terminal.`, {
    next: `Name a file, or a program that reads it: ${example}`,
  });
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
