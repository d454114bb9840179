import { watch } from 'node:fs';
import { open, readFile, stat, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { deadlineSignal } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';

/** A guest can write to its console without end: when the file exceeds this size, it is emptied. */
export const maxSerialLogBytes = 16 * 1024 * 1024;

async function hasLine(path: string): Promise<boolean> {
  const file = await open(path, 'r').catch(() => undefined);
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

/** The last lines of a guest's console, for an error message. Control characters become visible. */
export async function lastConsoleLines(path: string, lines = 5): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const clean = text
    .slice(-4096)
    .replace(/\r/g, '')
    .replace(/[^\P{Cc}\n]/gu, '\u{FFFD}');
  return clean
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-lines)
    .join('\n');
}

/** Empties a console log that is too large. The engine appends to the file, so it continues at the start. */
export async function capSerialLog(path: string): Promise<void> {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size > maxSerialLogBytes) await truncate(path, 0);
}
