import { readFileSync, readdirSync } from 'node:fs';
import { beforeEach } from 'vitest';
import { at, useLayers } from './disk-layers.ts';
import { diskMachine, type DiskMachine } from './disk-machine.ts';
import type { ErrorCode } from '../../src/core/error-kinds.ts';
import { KameError } from '../../src/core/errors.ts';
import { silentProgress } from '../../src/core/progress.ts';
import { machineNames } from '../../src/store/names.ts';
import { takeSnapshot } from '../../src/vm/snapshot/snapshots.ts';
import type { Running } from '../../src/vm/host/running.ts';
import { listDisks } from '../../src/vm/disk/list.ts';
import { body } from './body.ts';

export const mebibyte = 1024 * 1024;
export const gibibyte = 1024 * mebibyte;
export const quiet = silentProgress();
export let demo: DiskMachine;

/** Gives each test of a file a machine `demo` in a directory of its own. */
export function useDemo(): void {
  useLayers();
  beforeEach(() => {
    demo = diskMachine(at('home'));
  });
}

export const take = async (label: string) =>
  await takeSnapshot(demo.host, 'demo', body('snapshots.take', { label }), quiet);
export const slots = async (machine = 'demo') =>
  (await listDisks(demo.host, machine)).map(({ slot, path }) => [slot, path.split('/').at(-1)]);
export const vmx = () => readFileSync(demo.vmx, 'utf8');
export const qcow2Files = () =>
  readdirSync(demo.directory)
    .filter((name) => name.includes('qcow2'))
    .sort();

export async function refusal(work: Promise<unknown>): Promise<{ code: ErrorCode; text: string }> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof KameError)) throw new Error(`No KameError: ${String(error)}`);
  return { code: error.code, text: `${error.message} ${error.next}` };
}

/** As if its engine ran; nothing here asks it anything. */
export function pretendRunning(): void {
  const names = machineNames(demo.vmx);
  demo.host.running.add({ names, name: 'demo', state: 'running' } as unknown as Running);
}
