import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The path that a user chose for Kame's files: `KAME_HOME`, or `.kame` in the user's home. Absolute; it may be a symbolic link. */
export function chosenHome(env: Readonly<Record<string, string | undefined>>): string {
  const chosen = env['KAME_HOME'];
  return chosen === undefined || chosen === '' ? join(homedir(), '.kame') : resolve(chosen);
}
