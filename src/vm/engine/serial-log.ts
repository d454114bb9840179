import { watch } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { deadlineSignal } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import { openOwn, openToAppend } from '../../sys/own-file.ts';

/** A guest can write to its console without end: when the file exceeds this size, it is emptied. */
export const maxSerialLogBytes = 16 * 1024 * 1024;

async function hasLine(path: string): Promise<boolean> {
  const file = await openOwn(path).catch(() => undefined);
  if (!file) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0);
    return buffer.subarray(0, bytesRead).includes(0x0a);
  } finally {
    await file.close();
  }
}

/**
 * Waits for a guest's first complete console line.
 * @returns false at the deadline, or when `stop` settles first
 * @throws KameError CANCELLED
 */
export async function firstConsoleLine(
  path: string,
  options: { deadlineMs: number; signal: AbortSignal; stop: Promise<unknown> },
): Promise<boolean> {
  using deadline = deadlineSignal(options.deadlineMs, options.signal);
  const over = deadline.signal;
  let stopped = false;
  void options.stop.then(() => (stopped = true));
  // The file may not exist yet, so the directory is watched. Watching begins before the first read, so no line is missed.
  let wake = () => {};
  let changed = false;
  const watcher = watch(dirname(path), { persistent: false }, () => {
    changed = true;
    wake();
  });
  const settle = () => wake();
  over.addEventListener('abort', settle);
  void options.stop.then(settle);
  try {
    while (!over.aborted && !stopped) {
      changed = false;
      if (await hasLine(path)) return true;
      if (!changed && !over.aborted && !stopped) await new Promise<void>((resolve) => (wake = resolve));
    }
    if (options.signal.aborted) throw new KameError('CANCELLED', 'Waiting for the guest was cancelled.');
    return await hasLine(path);
  } finally {
    over.removeEventListener('abort', settle);
    watcher.close();
  }
}

const lastBytes = 4096;

async function lastText(path: string): Promise<string> {
  const file = await openOwn(path).catch(() => undefined);
  if (!file) return '';
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(lastBytes),
      0,
      lastBytes,
      Math.max(0, size - lastBytes),
    );
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** The last lines of a guest's console, for an error message. Control characters become visible. */
export async function lastConsoleLines(path: string, lines = 5): Promise<string> {
  const clean = (await lastText(path)).replace(/\r/g, '').replace(/[^\P{Cc}\n]/gu, '\u{FFFD}');
  return clean
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-lines)
    .join('\n');
}

/** Empties a console log that is too large. The engine appends to the file, so it continues at the start. */
export async function capSerialLog(path: string): Promise<void> {
  const size = await lstat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size > maxSerialLogBytes) await emptyFile(path);
}

async function emptyFile(path: string): Promise<void> {
  const file = await openToAppend(path);
  try {
    await file.truncate(0);
  } finally {
    await file.close();
  }
}

/**
 * Prepares a console log for an engine, which opens it by name and follows links.
 * @param keep appends to what the guest wrote before its state was saved
 * @throws KameError FILE_ACCESS if it is a link, a hard link, a pipe or another user's
 */
export async function prepareSerialLog(path: string, keep: boolean): Promise<void> {
  if (keep) await (await openToAppend(path)).close();
  else await emptyFile(path);
}
