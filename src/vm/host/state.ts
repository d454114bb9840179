import type { MachineState } from '../../api/machine.ts';
import { KameError } from '../../core/errors.ts';
import { enginesIn } from '../../qemu/engine.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { runNames } from '../../store/names.ts';
import { lockHolder, type LockHolder } from '../../sys/lock.ts';
import { findBundle } from './find.ts';
import type { Host } from './host.ts';
import type { Running } from './running.ts';
import { cannot, type Verb } from './verbs.ts';

/** The state of a machine that no engine runs, or that this daemon has adopted; see `presentState`. */
export function stateOf(host: Host, bundle: Bundle): MachineState {
  const running = host.running.get(bundle.names.vmx);
  if (running) return running.state;
  if (bundle.broken !== null || !bundle.content) return 'broken';
  return bundle.content.model.suspendedState === '' ? 'stopped' : 'suspended';
}

/**
 * The process that uses the files of a machine although this daemon does not know the machine as running: an engine that
 * did not answer when the daemon wanted to adopt it, or a program of another home. The lock tells, not our memory.
 * @throws KameError FILE_ACCESS when the lock cannot be read
 */
export async function foreignHolder(host: Host, { names }: Bundle): Promise<LockHolder | undefined> {
  if (host.running.get(names.vmx)) return undefined;
  const holder = await lockHolder(names.lock);
  return holder && holder.pid !== process.pid ? holder : undefined;
}

/** The state of a machine: from its engine, its lock and its files. */
export async function presentState(host: Host, bundle: Bundle): Promise<MachineState> {
  const holder = await foreignHolder(host, bundle);
  if (holder?.purpose !== 'qemu') return stateOf(host, bundle);
  // An engine has the lock before its start is complete.
  const verb = host.operations.verbOf(bundle.names.vmx);
  return verb === undefined || verb === 'adopt' || verb === 'stop' ? 'unreachable' : 'running';
}

/** Whether a process is an engine that was started from this home. */
async function isOwnEngine(host: Host, { names }: Bundle, { pid }: LockHolder): Promise<boolean> {
  const engines = await enginesIn(runNames(host.names, names.vmx).directory);
  return engines.some((engine) => engine.pid === pid);
}

/** The refusal of a use case on a machine whose files another process uses. */
async function heldError(host: Host, bundle: Bundle, holder: LockHolder, verb?: Verb): Promise<KameError> {
  const { name, names } = bundle;
  const { pid, purpose } = holder;
  const details = { machine: name, pid };
  if (!(await isOwnEngine(host, bundle, holder))) {
    const inUse = `${name} is in use by ${purpose} (process ${pid}), which another Kame has started.`;
    const next = 'Stop it as the user, or with the KAME_HOME, that started it.';
    return new KameError('BUSY', inUse, { next, details });
  }
  const reason = `its engine (process ${pid}) is running but does not answer.`;
  // From now on the daemon tries to adopt it.
  if (!host.unreachable.has(names.vmx)) host.unreachable.set(names.vmx, reason);
  const subject = verb === undefined ? `${name} cannot be reached` : cannot(verb, name);
  return new KameError('ENGINE_TIMEOUT', `${subject}: ${reason}`, {
    next: `Kame keeps trying to reach it. kame logs ${name} may show the reason; kame stop ${name} --hard ends it, and unsaved data in the guest is lost.`,
    details,
  });
}

/**
 * Refuses a machine that runs but that this daemon has not adopted: nobody knows which of its files its engine writes to.
 * @throws KameError ENGINE_TIMEOUT when its engine does not answer, BUSY when another Kame uses it
 */
export async function refuseUnreachable(host: Host, bundle: Bundle, verb?: Verb): Promise<void> {
  const holder = await foreignHolder(host, bundle);
  if (holder) throw await heldError(host, bundle, holder, verb);
}

/** Whether another process uses a machine. If it is an engine of this home, the daemon tries to adopt it from now on. */
export async function noteIfUnreachable(host: Host, bundle: Bundle): Promise<boolean> {
  const holder = await foreignHolder(host, bundle);
  if (holder) await heldError(host, bundle, holder);
  return holder !== undefined;
}

/** The running machine of a bundle. @throws KameError WRONG_STATE when it is not running */
export function requireRunning(host: Host, bundle: Bundle): Running {
  const running = host.running.get(bundle.names.vmx);
  if (running) return running;
  const state = stateOf(host, bundle);
  throw new KameError('WRONG_STATE', `${bundle.name} is not running: it is ${state}.`, {
    next: `kame start ${bundle.name} starts it.`,
    details: { machine: bundle.name, state },
  });
}

/** Finds a running machine. @throws KameError NO_SUCH_MACHINE, WRONG_STATE when it is not running, ENGINE_TIMEOUT, BUSY */
export async function runningMachine(host: Host, reference: string): Promise<Running> {
  const bundle = await findBundle(host, reference);
  await refuseUnreachable(host, bundle);
  return requireRunning(host, bundle);
}

/** @throws KameError WRONG_STATE when the machine is running */
export function refuseRunning(host: Host, bundle: Bundle, verb: Verb): void {
  const running = host.running.get(bundle.names.vmx);
  if (!running) return;
  throw new KameError('WRONG_STATE', `${cannot(verb, bundle.name)} while it is ${running.state}.`, {
    next: `kame stop ${bundle.name} stops it.`,
    details: { machine: bundle.name, state: running.state },
  });
}

/**
 * @param what the devices that are to be changed, such as `disks`
 * @throws KameError WRONG_STATE when the machine is suspended: its saved memory depends on its devices
 */
export function refuseSuspended(bundle: Bundle, what: string): void {
  if (contentOf(bundle).model.suspendedState === '') return;
  throw new KameError(
    'WRONG_STATE',
    `${cannot('change', `the ${what} of ${bundle.name}`)} while it is suspended.`,
    {
      next: `Resume it with kame start ${bundle.name}, or discard its memory with --discard-state, and then stop it.`,
      details: { machine: bundle.name },
    },
  );
}
