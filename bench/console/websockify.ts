import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestHome } from '../../test/support/home.ts';
import { which } from '../debian/tools.ts';

const port = 46_811;

/** Where the engine of the only machine listens for viewers. */
export async function vncSocket(home: TestHome): Promise<string> {
  const run = join(home.path, 'run');
  for (const name of await readdir(run))
    if (existsSync(join(run, name, 'vnc'))) return join(run, name, 'vnc');
  throw new Error('No engine listens for viewers.');
}

/**
 * Starts a program that says on standard output, or standard error, that it listens. It has a session of its own, as the daemon and engines
 * have: a busy Linux shares its processors among sessions, and those of one are passed data with less waiting.
 */
export async function started(program: string, args: readonly string[]): Promise<ChildProcess & Disposable> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), once(child, 'error')]);
  return Object.assign(child, { [Symbol.dispose]: () => void child.kill('SIGKILL') });
}

/** Debian's relay of noVNC, as its package starts it. */
export interface Websockify extends Disposable {
  readonly port: number;
  /** The process of the latest connection: each has one of its own. */
  readonly latest: () => number;
}

/** Starts websockify before a Unix socket; undefined where it is not installed. */
export async function startWebsockify(vnc: string): Promise<Websockify | undefined> {
  const program = which('websockify');
  if (program === undefined) return undefined;
  const child = await started(program, [`--unix-target=${vnc}`, `127.0.0.1:${port}`]);
  return {
    port,
    latest: () => {
      const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'latin1');
      return Number(children.trim().split(' ').at(-1));
    },
    [Symbol.dispose]: () => child[Symbol.dispose](),
  };
}
