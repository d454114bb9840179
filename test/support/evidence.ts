import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../src/core/errors.ts';
import { homeNames, runNames } from '../../src/store/names.ts';
import type { TestHome } from './home.ts';
import { trailVariable } from './run-directory.ts';

/** What test runs leave behind for people. */
export const results = fileURLToPath(new URL('../../test-results', import.meta.url));

/** Of a machine's files, those that say what happened to it and are small. */
const telling = /\.(?:log|vmx|vmsd)$|^operation\.json$|^lock$/;

/** What was found, or why nothing was: a failed test can leave a home in any state. */
async function orReason<T extends object>(work: Promise<T>): Promise<T | { reason: string }> {
  return await work.catch((error: unknown) => ({ reason: messageOf(error) }));
}

/** Copies what is there. */
async function copy(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true }).catch(() => undefined);
}

async function keepMachine(home: TestHome, path: string, target: string): Promise<void> {
  const details = await orReason(home.client().machines.show(path));
  await writeFile(join(target, 'machine.json'), JSON.stringify(details, null, 2));
  for (const file of await readdir(dirname(path))) {
    if (telling.test(file)) await copy(join(dirname(path), file), join(target, file));
  }
  const screen = await orReason(home.client().machines.screenshot(path));
  if (!('reason' in screen)) await writeFile(join(target, 'screen.png'), screen);
  const { record } = runNames(homeNames(home.path), path);
  await copy(record, join(target, 'run.json'));
}

/**
 * Keeps what shows why a test failed: the logs of the daemon and of each machine, serial consoles, screenshots, how the
 * API describes the machines, and what was said over QMP. It is in `test-results/`, in a directory named after the test.
 */
export async function keepEvidence(home: TestHome, test: string): Promise<void> {
  const target = join(results, test.replaceAll(/[^\w-]+/g, '-').slice(0, 120));
  await mkdir(target, { recursive: true });
  const machines = await orReason(home.client().machines.list());
  await writeFile(join(target, 'machines.json'), JSON.stringify(machines, null, 2));
  for (const { name, path } of 'reason' in machines ? [] : machines) {
    await mkdir(join(target, name), { recursive: true });
    await keepMachine(home, path, join(target, name));
  }
  await copy(join(home.path, 'kamed.log'), join(target, 'kamed.log'));
  await copy(home.env[trailVariable] ?? '', join(target, 'qmp'));
}
