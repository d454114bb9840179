import { watch } from 'node:fs';
import { open, readFile, stat, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { deadlineSignal } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';

/** A guest may write to its console for ever; the file keeps this much, then starts anew. */
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
 * Resolves when a guest has written its first whole line to its console.
 * @returns false at the deadline or when `stop` settles first
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
  // The directory is watched: the file may not be there yet. Watching begins before the first look, so no line is missed.
  let wake = () => {};
  let news = false;
  const watcher = watch(dirname(path), { persistent: false }, () => {
    news = true;
    wake();
  });
  const settle = () => wake();
  over.addEventListener('abort', settle);
  void options.stop.then(settle);
  try {
    while (!over.aborted && !stopped) {
      news = false;
      if (await hasLine(path)) return true;
      if (!news && !over.aborted && !stopped) await new Promise<void>((resolve) => (wake = resolve));
    }
    if (options.signal.aborted) throw new KameError('CANCELLED', 'Waiting for the guest was cancelled.');
    return await hasLine(path);
  } finally {
    over.removeEventListener('abort', settle);
    watcher.close();
  }
}

/** The last lines a guest wrote to its console, for an error message. Control characters are made visible. */
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

/** Empties a console log that has grown too large. The engine appends, so it writes on at the start. */
export async function capSerialLog(path: string): Promise<void> {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size > maxSerialLogBytes) await truncate(path, 0);
}
