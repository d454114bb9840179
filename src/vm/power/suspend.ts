import { randomBytes } from 'node:crypto';
import { rename } from 'node:fs/promises';
import type { SuspendedMachine } from '../../api/checkpoint.ts';
import type { Progress } from '../../core/progress.ts';
import { appendLog, type Bundle } from '../../store/bundle.ts';
import { syncCheckpoint, writeCheckpointRecord } from '../../store/checkpoint.ts';
import { removeJournal, writeJournal } from '../../store/journal.ts';
import { checkpointNames, vmStateOf } from '../../store/names.ts';
import { allocatedBytes } from '../../sys/files.ts';
import { requireFreeSpace } from '../../sys/free-space.ts';
import { keepScreen } from '../host/checkpoint-screen.ts';
import { findBundle } from '../host/find.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { requireAnswer } from '../host/living-engine.ts';
import type { Running } from '../host/running.ts';
import { undo } from '../host/undo.ts';
import { capture } from '../memory/capture.ts';
import { keepConfig } from '../memory/keep-config.ts';
import { refuseBlocked } from '../memory/preflight.ts';
import { ramBytes, RamCopy } from '../memory/ram-copy.ts';
import { writeVmState } from '../memory/resume.ts';
import { summary } from '../running/describe.ts';

/** Space for everything but RAM: device state, configuration, EFI variables. */
const smallBytes = 16 * 1024 * 1024;

/** Saves a running machine and ends its engine. */
async function suspendRunning(
  host: Host,
  bundle: Bundle,
  machine: Running,
  progress: Progress,
): Promise<void> {
  await requireAnswer(machine, progress);
  await refuseBlocked(machine, progress);
  await requireFreeSpace(
    bundle.names.directory,
    (await ramBytes(machine)) + smallBytes,
    bundle.names.checkpoints,
  );
  const id = `s-${randomBytes(4).toString('hex')}`;
  const checkpoint = checkpointNames(bundle.names, id);
  await writeJournal(host.names, bundle.names, {
    kind: 'suspend',
    checkpoint: id,
    paused: machine.state === 'paused',
  });
  try {
    progress.report({ stage: `Suspending ${bundle.name}` });
    await keepScreen(bundle, machine, checkpoint, progress);
    await keepConfig(bundle, checkpoint);
    // Directly to the final file: the guest does not run afterwards, so its pause may be long.
    const part = `${checkpoint.ram}.part`;
    using ram = await RamCopy.begin(host, machine, { path: part, lasting: true });
    const options = { checkpoint, ram, layers: [], once: true, stayStopped: true };
    const { record } = await capture(host, machine, options, progress);
    if (record) await writeCheckpointRecord(checkpoint, record);
    if (ram) await rename(part, checkpoint.ram);
    await syncCheckpoint(checkpoint);
    // From here on the machine counts as suspended, whatever happens to its engine.
    await writeVmState(host, bundle, vmStateOf(bundle.names, id));
    await appendLog(bundle.names, 'suspended');
    await machine.engine.quit();
    await machine.ended;
    await removeJournal(host.names, bundle.names);
  } catch (error) {
    throw await undo(host, bundle, error);
  }
}

/**
 * Suspends a running or paused machine: saves its state to its directory and ends its engine. kame start resumes it, even
 * after a restart of the host.
 * @throws KameError WRONG_STATE, CHECKPOINT_BLOCKED, DISK_FULL, ENGINE_*, CANCELLED; in each case it continues as before
 */
export async function suspend(host: Host, reference: string, progress: Progress): Promise<SuspendedMachine> {
  const startedAt = performance.now();
  return await hold(host, reference, { verb: 'suspend', needs: 'running' }, async ({ bundle, machine }) => {
    await suspendRunning(host, bundle, machine, progress);
    const suspended = await findBundle(host, bundle.names.vmx);
    return {
      ...(await summary(host, suspended)),
      stateBytes: await savedBytes(suspended),
      tookMs: performance.now() - startedAt,
    };
  });
}

async function savedBytes(bundle: Bundle): Promise<number> {
  const id = bundle.content?.model.suspendedState.split('/')[1];
  if (id === undefined) return 0;
  const { state, ram } = checkpointNames(bundle.names, id);
  const sizes = await Promise.all([state, ram].map(allocatedBytes));
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}
