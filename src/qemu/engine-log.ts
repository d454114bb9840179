import { closeSync, fstatSync, readSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { openOwnSync } from '../sys/own-file.ts';

const keptBytes = 4096;
/** Prefix of lines that the daemon itself writes to the log of a machine. */
const ownLines = 'kame: ';

/** Present size of a log in bytes, to find later what was appended. */
export async function logSize(path: string): Promise<number> {
  return stat(path).then(
    (found) => found.size,
    () => 0,
  );
}

/**
 * The last output of the engine in a log after offset `from`: at most 4 KiB of whole lines, without timestamps and
 * without the lines of the daemon. Empty if the log cannot be read, because the output only adds to a known error.
 */
export function lastWords(path: string, from: number): string {
  let file: number | undefined;
  try {
    file = openOwnSync(path);
    const { size } = fstatSync(file);
    const start = Math.max(from, size - keptBytes);
    const buffer = Buffer.alloc(Math.max(0, size - start));
    const read = readSync(file, buffer, 0, buffer.length, start);
    return buffer
      .toString('utf8', 0, read)
      .split('\n')
      .slice(start > from ? 1 : 0)
      .map((line) => line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z\s+/, '').trimEnd())
      .filter((line) => line !== '' && !line.startsWith(ownLines))
      .join('\n');
  } catch {
    return '';
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
