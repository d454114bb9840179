import { spawnSync } from 'node:child_process';

/** A user of the host who is neither this one nor root. No account is needed. */
export const secondUser = { uid: 12_345, gid: 12_345 };

/** Only root can act as another user. */
export const canBeAnother = process.geteuid?.() === 0;

export interface Attempt {
  readonly succeeded: boolean;
  readonly output: string;
}

/** Has a process of the second user run a line of shell. @param words `$1`, `$2`, … of the line */
export function asSecondUser(line: string, ...words: string[]): Attempt {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', line, 'sh', ...words], {
    ...secondUser,
    cwd: '/',
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { succeeded: status === 0, output: `${stdout}${stderr}` };
}

/** Has this process do something with the permissions of the second user. Nothing else may happen in it meanwhile. */
export async function withRightsOfSecondUser<T>(work: () => Promise<T>): Promise<T> {
  process.setegid?.(secondUser.gid);
  process.seteuid?.(secondUser.uid);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}
