import type { Progress } from '../../core/progress.ts';
import { edit } from '../../vmx/document.ts';
import { readCheckpointRecord, removeCheckpoint } from '../../store/checkpoint.ts';
import { contentOf, writeMachineFile, type MachineFile } from '../../store/bundle.ts';
import { suspendedIn, vmStateOf, type CheckpointNames } from '../../store/names.ts';
import type { Host } from '../host/host.ts';
import type { Begun } from '../running/launch.ts';
import type { RunningMachine } from '../host/running.ts';
import { restore } from './restore.ts';

/** A checkpoint that only the suspended machine uses; a snapshot's goes on to be there. */
export function isSuspendOnly(checkpoint: CheckpointNames): boolean {
  return checkpoint.id.startsWith('s-');
}

/** Writes in the `.vmx` which checkpoint the machine is suspended in; empty for none. */
export async function writeVmState(host: Host, file: MachineFile, vmState: string): Promise<MachineFile> {
  const { document } = contentOf(file);
  await writeMachineFile(file.names.vmx, edit(document, new Map([['checkpoint.vmState', vmState]])));
  return await host.files.read(file.names.vmx);
}

/**
 * Goes on where a suspended machine was. The caller holds its lock.
 * @throws KameError CHECKPOINT_MISMATCH, and as restore; the machine is still suspended then
 */
export async function resume(
  host: Host,
  file: MachineFile,
  checkpoint: CheckpointNames,
  begun: Begun,
  progress: Progress,
): Promise<RunningMachine> {
  progress.report({ stage: `Resuming ${file.name}` });
  const record = await readCheckpointRecord(checkpoint);
  const saved = { ...record, state: checkpoint.state, ramFile: checkpoint.ram };
  const reached = { cleared: false, run: false };
  // From here on the disks change, and the memory would no longer fit them.
  const beforeRun = async () => {
    await writeVmState(host, file, '');
    reached.cleared = true;
  };
  const onRun = () => (reached.run = true);
  try {
    const machine = await restore(host, file, { saved, beforeRun, onRun }, begun, progress);
    if (isSuspendOnly(checkpoint)) await removeCheckpoint(checkpoint);
    return machine;
  } catch (error) {
    // The engine ended too early, and the guest never ran: it is suspended still.
    if (reached.cleared && !reached.run) {
      await writeVmState(host, await host.files.read(file.names.vmx), vmStateOf(file.names, checkpoint.id));
    } else if (reached.run && isSuspendOnly(checkpoint)) {
      await removeCheckpoint(checkpoint);
    }
    throw error;
  }
}

/** Forgets what a suspended machine had in memory; its disks stay. Returns it as a stopped one. */
export async function discardState(host: Host, file: MachineFile): Promise<MachineFile> {
  const checkpoint = suspendedIn(file.names, contentOf(file).spec.suspendedState);
  const stopped = await writeVmState(host, file, '');
  if (checkpoint && isSuspendOnly(checkpoint)) await removeCheckpoint(checkpoint);
  return stopped;
}
