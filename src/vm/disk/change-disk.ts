import { basename } from 'node:path';
import { KameError } from '../../core/errors.ts';
import type { Layer } from '../../disk/chain.ts';
import { contentOf, appendLog, type Bundle } from '../../store/bundle.ts';
import { removeJournal, writeJournal, type Journal } from '../../store/journal.ts';
import { bundleEvent } from '../host/events.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { settle } from '../host/settle.ts';
import { isOwnFile } from '../layers/layers.ts';
import { recoverDisk } from './recover-disk.ts';

export type DiskOperation = Extract<Journal, { kind: 'disk' }>;

/** @throws KameError WRONG_STATE when the machine is suspended: its memory knows the disks as they are */
function refuseSuspended(bundle: Bundle): void {
  if (contentOf(bundle).model.suspendedState === '') return;
  throw new KameError(
    'WRONG_STATE',
    `${bundle.name} is suspended; its disks can’t be changed under its memory.`,
    {
      next: `Resume it with kame start ${bundle.name} and stop it, or drop its memory with --discard-state.`,
      details: { machine: bundle.name },
    },
  );
}

/**
 * Works on the disks of a stopped machine. Nobody can start or change it meanwhile, and what was begun before is ended.
 * @throws KameError NO_SUCH_MACHINE, BUSY, WRONG_STATE unless it is stopped, BROKEN_MACHINE, and what `work` throws
 */
export async function changeDisks<T>(
  host: Host,
  reference: string,
  work: (bundle: Bundle) => Promise<T>,
): Promise<T> {
  return await hold(host, reference, { verb: 'change', needs: 'stopped' }, async ({ bundle }) => {
    refuseSuspended(bundle);
    return await work(bundle);
  });
}

/**
 * Does what a kill must not leave half done: recoverDisk ends it, now or before the next command, whichever part of it
 * was done.
 */
export async function journaled(
  host: Host,
  bundle: Bundle,
  journal: DiskOperation,
  work: () => Promise<void>,
): Promise<void> {
  const { names } = bundle;
  await writeJournal(names, journal);
  try {
    await work();
  } catch (error) {
    await settle(host, bundle, { failed: true });
    throw error;
  }
  await recoverDisk(host, await host.bundles.read(names.vmx), journal);
  await removeJournal(names);
}

/** The operation of rewriting a disk’s file: what a kill leaves beside it is removed. */
export function rewriting(bundle: Bundle, top: Layer): DiskOperation {
  return { kind: 'disk', files: isOwnFile(bundle.names, top.path) ? [basename(top.path)] : [], kept: null };
}

/** @throws KameError HAS_CLONES when the file has other names: it is a layer of an instant clone too */
export function refuseShared(bundle: Bundle, layer: Layer, participle: string): void {
  if (layer.links === 1) return;
  throw new KameError(
    'HAS_CLONES',
    `${layer.path} can’t be ${participle}: other machines share this file (it has ${layer.links} names).`,
    {
      next: 'Take a snapshot: what the machine writes from then on lies in a file of its own.',
      details: { machine: bundle.name, path: layer.path },
    },
  );
}

/** Tells those who listen, and the machine’s log, what has become of a disk. */
export async function tellChange(host: Host, bundle: Bundle, message: string): Promise<void> {
  await appendLog(bundle.names, message);
  host.events.emit(bundleEvent('machine.changed', bundle, message));
}
