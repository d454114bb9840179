import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { stat } from 'node:fs/promises';

const keptBytes = 4096;
/** What the daemon itself writes to the log of a machine. */
const ownLines = 'kame: ';

/** Bytes of a log so far; what comes after them is new. */
export async function logSize(path: string): Promise<number> {
  return stat(path).then(
    (found) => found.size,
    () => 0,
  );
}

/**
 * The end of what was written to a log after `from`, at most 4 KiB, as whole lines without the time stamps, and without
 * what the daemon wrote there.
 * Empty when the log can't be read: the words only adorn an error that is known already.
 */
export function lastWords(path: string, from: number): string {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
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
