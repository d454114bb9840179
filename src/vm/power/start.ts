import type {
  LaunchPlanReply,
  MovedOrCopied,
  StartedMachine,
  StartMachine,
  WaitFor,
} from '../../api/machine.ts';
import { reachedStages } from '../../api/stages.ts';
import { KameError } from '../../core/errors.ts';
import { silentProgress, type Progress } from '../../core/progress.ts';
import { formatPlan } from '../../qemu/plan/format.ts';
import { appendLog, contentOf, type Bundle } from '../../store/bundle.ts';
import { runNames, suspendedIn } from '../../store/names.ts';
import { removeRamFiles } from '../../store/ram-place.ts';
import { takeLock } from '../../sys/lock.ts';
import { findBundle } from '../host/find.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { refuseUnreachable, stateOf } from '../host/state.ts';
import { claimIdentity } from './claim.ts';
import { discardState, resume } from '../memory/resume.ts';
import { addressNotes } from '../memory/saved-addresses.ts';
import { bootEngine } from '../running/boot-engine.ts';
import { summary } from '../running/describe.ts';
import { ensureOwnVariables } from '../running/efi-variables.ts';
import { settleIdentity } from '../running/identity.ts';
import { bootRam, prepare, trackLaunched, type RequestTime } from '../running/launch.ts';
import { removeTraces } from '../running/traces.ts';
import { waitFor } from '../running/wait.ts';

/** The launch plan of a machine, without starting it. @throws KameError as start */
export async function planStart(
  host: Host,
  reference: string,
  signal: AbortSignal,
): Promise<LaunchPlanReply> {
  const prepared = await prepare(host, await findBundle(host, reference), silentProgress(signal));
  const { binary, args, accelerator, reason, machineType, notes, blockers } = prepared.plan;
  return {
    binary,
    args: [...args],
    text: formatPlan(prepared.plan),
    accelerator,
    acceleratorReason: reason,
    machineType,
    notes: [...notes],
    blockers: blockers.map((blocker) => ({ ...blocker })),
  };
}

async function refuseStart(host: Host, bundle: Bundle, options: PowerOptions): Promise<void> {
  const state = stateOf(host, bundle);
  if (state === 'running' || state === 'paused') {
    throw new KameError('WRONG_STATE', `${bundle.name} is already ${state}.`, {
      details: { machine: bundle.name, state },
    });
  }
  const vmState = bundle.content?.model.suspendedState ?? '';
  if (state === 'suspended' && !options.discardState && !suspendedIn(bundle.names, vmState)) {
    throw new KameError('WRONG_STATE', `Cannot resume ${bundle.name}: it was suspended by another program.`, {
      next: `kame start ${bundle.name} --discard-state starts it from its disks; unsaved data in the guest is lost.`,
      details: { machine: bundle.name, state },
    });
  }
  contentOf(bundle);
  await refuseUnreachable(host, bundle, 'start');
}

export interface PowerOptions {
  /** Starts a suspended machine from its disks; the contents of its memory are lost. */
  readonly discardState?: boolean | undefined;
  /** What a person says of a machine that has the UUID of another one. */
  readonly movedOrCopied?: MovedOrCopied | undefined;
}

async function boot(
  host: Host,
  bundle: Bundle,
  requested: RequestTime,
  progress: Progress,
): Promise<Running> {
  await removeRamFiles(host.names, runNames(host.names, bundle.names.vmx));
  const ram = await bootRam(host, bundle);
  const { launched, plan } = await bootEngine(host, bundle, ram, requested, progress);
  const notes = [...plan.notes, ...(ram.note === null ? [] : [ram.note])];
  for (const note of notes) await appendLog(bundle.names, note);
  return trackLaunched(host, bundle, launched, 'running');
}

/**
 * Boots a stopped machine, or resumes a suspended one; the caller holds the machine.
 * @throws KameError as start
 */
export async function powerOn(
  host: Host,
  bundle: Bundle,
  progress: Progress,
  options: PowerOptions = {},
): Promise<Running> {
  const requested = { at: new Date(), clock: performance.now() };
  await refuseStart(host, bundle, options);
  await takeLock(bundle.names.lock, 'kamed', bundle.name);
  try {
    const { movedOrCopied: answer, discardState: discards } = options;
    let current = await settleIdentity(host, bundle, { answer, discardState: discards });
    current = await ensureOwnVariables(host, current);
    using _claim = await claimIdentity(host, current);
    const vmState = contentOf(current).model.suspendedState;
    const suspended = suspendedIn(current.names, vmState);
    if (discards && vmState !== '') current = await discardState(host, current);
    else if (suspended) return await resume(host, current, suspended, requested, progress);
    progress.report({ stage: `Starting ${current.name}` });
    return await boot(host, current, requested, progress);
  } catch (error) {
    const run = runNames(host.names, bundle.names.vmx);
    await removeTraces(host, { ...bundle, run, removeRam: removeRamFiles });
    throw error;
  }
}

/** Milliseconds to wait for the networks of a machine that runs: they usually are there first. */
const networkMs = 5000;

/** Waits for the guest of a machine that was powered on, as the options require. */
export async function started(
  host: Host,
  machine: Running,
  options: Pick<StartMachine, 'wait' | 'timeoutMs'>,
  progress: Progress,
): Promise<StartedMachine> {
  // A machine that was suspended while paused is paused again, and its guest cannot answer.
  const waitedFor: WaitFor = machine.state === 'paused' ? 'none' : options.wait;
  await waitFor(host, machine, waitedFor, options.timeoutMs, progress);
  const limits = { deadlineMs: networkMs, signal: progress.signal };
  const networkNotes = [
    ...(await host.networks.connected(machine, limits)),
    ...(await addressNotes(host, machine)),
  ];
  return {
    ...(await summary(host, await findBundle(host, machine.names.vmx))),
    timings: machine.record.timings,
    acceleratorReason: machine.record.acceleratorReason,
    waitedFor,
    stage: reachedStages(machine.record.timings).at(-1)?.stage ?? null,
    notes: [machine.record.ramNote, machine.record.graphics?.note]
      .filter((note) => typeof note === 'string')
      .concat(networkNotes),
  };
}

/**
 * Starts a stopped or suspended machine and waits for its guest, as the options require. If the guest is too slow, the
 * machine keeps running. The machine can be stopped during the wait.
 * @throws KameError WRONG_STATE, BUSY, MOVED_OR_COPIED, BROKEN_MACHINE, BAD_IMAGE, ENGINE_*, GUEST_TIMEOUT, CANCELLED
 */
export async function start(
  host: Host,
  reference: string,
  options: StartMachine,
  progress: Progress,
): Promise<StartedMachine> {
  const machine = await hold(
    host,
    reference,
    'start',
    async ({ bundle }) => await powerOn(host, bundle, progress, options),
  );
  return await started(host, machine, options, progress);
}
