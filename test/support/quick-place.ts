import { existsSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

const memory = '/dev/shm';
/** What all tests at once may need. */
const neededBytes = 2 * 1024 ** 3;

/** A place for the files of tests: in memory where there is room, since most of what many tests do is to write files. */
export function quickPlace(): string {
  if (!existsSync(memory)) return tmpdir();
  const { bavail, bsize } = statfsSync(memory);
  return bavail * bsize > neededBytes ? memory : tmpdir();
}
