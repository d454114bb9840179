import { watch } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { KameError, errnoOf } from '../../core/errors.ts';
import { openOwn } from '../../sys/own-file.ts';
import { findBundle } from '../host/find.ts';
import type { Host } from '../host/host.ts';

const chunkBytes = 64 * 1024;

/** Resolves at the next change of a file, or when the signal fires. */
async function changed(path: string, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const watcher = watch(path, { signal }, () => {
      watcher.close();
      resolve();
    });
    watcher.once('error', () => resolve());
    watcher.once('close', resolve);
  });
}

/** The content of a file and, with `follow`, what is appended to it. A file that shrank is read again from the start. */
async function* contentOf(
  file: FileHandle,
  path: string,
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  try {
    let offset = 0;
    while (!signal.aborted) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(chunkBytes), 0, chunkBytes, offset);
      if (bytesRead > 0) {
        offset += bytesRead;
        yield buffer.subarray(0, bytesRead);
        continue;
      }
      if (!follow) return;
      const change = changed(path, signal);
      const { size } = await file.stat();
      if (size < offset) offset = 0;
      else if (size === offset) await change;
    }
  } finally {
    await file.close();
  }
}

/** A machine's log, or the log of its serial console, as a stream. @throws KameError FILE_ACCESS when there is none yet */
export async function followLog(
  host: Host,
  reference: string,
  options: { follow: boolean; console: boolean },
  signal: AbortSignal,
): Promise<Readable> {
  const { names, name } = await findBundle(host, reference);
  const path = options.console ? names.serialLog : names.log;
  try {
    const file = await openOwn(path);
    return Readable.from(contentOf(file, path, options.follow, signal));
  } catch (error) {
    if (!(error instanceof KameError) || errnoOf(error.cause) !== 'ENOENT') throw error;
    throw new KameError('FILE_ACCESS', `${name} has no log yet: it has never been started.`, {
      next: `\`kame start ${name}\` starts it.`,
      details: { machine: name, path },
      cause: error,
    });
  }
}
