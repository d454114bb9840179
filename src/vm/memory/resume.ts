import type { Progress } from '../../core/progress.ts';
import { contentOf, writeVmx, type Bundle } from '../../store/bundle.ts';
import { readCheckpointRecord, removeCheckpoint } from '../../store/checkpoint.ts';
import { suspendedIn, vmStateOf, type CheckpointNames } from '../../store/names.ts';
import { edit } from '../../vmx/document.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import type { RequestTime } from '../running/launch.ts';
import { restore } from './restore.ts';

/** Whether only the suspended machine uses a checkpoint. The checkpoint of a snapshot remains after a resume. */
export function isSuspendOnly(checkpoint: CheckpointNames): boolean {
  return checkpoint.id.startsWith('s-');
}

/** Sets the checkpoint in the `.vmx` that the machine is suspended in; empty for none. */
export async function writeVmState(host: Host, bundle: Bundle, vmState: string): Promise<Bundle> {
  const { document } = contentOf(bundle);
  await writeVmx(bundle.names.vmx, edit(document, new Map([['checkpoint.vmState', vmState]])));
  return await host.bundles.read(bundle.names.vmx);
}

/**
 * Resumes a suspended machine. The caller holds its lock.
 * @throws KameError CHECKPOINT_MISMATCH, and as restore; the machine is then still suspended
 */
export async function resume(
  host: Host,
  bundle: Bundle,
  checkpoint: CheckpointNames,
  requested: RequestTime,
  progress: Progress,
): Promise<Running> {
  progress.report({ stage: `Resuming ${bundle.name}` });
  const record = await readCheckpointRecord(checkpoint);
  const saved = { ...record, state: checkpoint.state, ramFile: checkpoint.ram };
  const reached = { cleared: false, run: false };
  // Once the guest runs, the disks change and no longer match the saved memory.
  const beforeRun = async () => {
    await writeVmState(host, bundle, '');
    reached.cleared = true;
  };
  const onRun = () => (reached.run = true);
  try {
    const machine = await restore(host, bundle, { saved, beforeRun, onRun }, requested, progress);
    machine.savedAddresses = record.addresses ?? {};
    if (isSuspendOnly(checkpoint)) await removeCheckpoint(checkpoint);
    return machine;
  } catch (error) {
    // The engine ended before the guest ran: the machine is still suspended.
    if (reached.cleared && !reached.run) {
      await writeVmState(
        host,
        await host.bundles.read(bundle.names.vmx),
        vmStateOf(bundle.names, checkpoint.id),
      );
    } else if (reached.run && isSuspendOnly(checkpoint)) {
      await removeCheckpoint(checkpoint);
    }
    throw error;
  }
}

/** Discards the memory of a suspended machine; its disks stay. Returns the stopped machine. */
export async function discardState(host: Host, bundle: Bundle): Promise<Bundle> {
  const checkpoint = suspendedIn(bundle.names, contentOf(bundle).model.suspendedState);
  const stopped = await writeVmState(host, bundle, '');
  if (checkpoint && isSuspendOnly(checkpoint)) await removeCheckpoint(checkpoint);
  return stopped;
}
