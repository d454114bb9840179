import type { Machine } from '../../api/machine.ts';
import { poll } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Engine } from '../../qemu/engine.ts';
import { findBundle } from '../host/find.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { requireAnswer } from '../host/living-engine.ts';
import type { Running } from '../host/running.ts';
import { summary } from '../running/describe.ts';

async function changeRunState(
  host: Host,
  reference: string,
  verb: 'pause' | 'unpause',
  progress: Progress,
  work: (machine: Running, engine: Engine) => Promise<void>,
): Promise<Machine> {
  // A checkpoint in progress pauses and resumes the guest itself, so this holds the machine.
  const found = await findBundle(host, reference);
  const { vmx } = found.names;
  const wasPaused = host.running.get(vmx)?.state === 'paused';
  await hold(host, found, { verb, needs: 'running' }, async ({ machine }) => {
    // Settling an operation that could not resume the guest has resumed it now.
    if (verb === 'unpause' && wasPaused && machine.state === 'running') return;
    await requireAnswer(machine, progress);
    await work(machine, machine.engine.for(progress));
  });
  return await summary(host, await findBundle(host, vmx));
}

/**
 * Gives a command, and takes it back if the engine does not answer, without waiting for that: when it answers again, it
 * obeys both, one after the other.
 */
async function orTakeBack(command: Promise<void>, opposite: () => Promise<void>): Promise<void> {
  try {
    await command;
  } catch (error) {
    const isUnanswered = error instanceof KameError && ['CANCELLED', 'ENGINE_TIMEOUT'].includes(error.code);
    if (isUnanswered) void Promise.allSettled([opposite()]);
    throw error;
  }
}

/**
 * Pauses the guest's CPUs; memory and devices keep their state.
 * @throws KameError WRONG_STATE, BUSY, ENGINE_TIMEOUT, CANCELLED; the guest then continues
 */
export async function pause(host: Host, reference: string, progress: Progress): Promise<Machine> {
  return await changeRunState(host, reference, 'pause', progress, async (machine, engine) => {
    if (machine.state === 'paused') throw wrongState(`${machine.name} is already paused.`, machine.name);
    await orTakeBack(engine.pause(), async () => await machine.engine.resume());
    machine.state = 'paused';
  });
}

/**
 * Resumes a paused guest. Its clock is set in the background (src/vm/running/guest-time.ts).
 * @throws KameError WRONG_STATE, BUSY, ENGINE_TIMEOUT, CANCELLED, and the guest then stays paused; DISK_FULL, FILE_ACCESS when
 * the disk error that paused it occurs again
 */
export async function unpause(host: Host, reference: string, progress: Progress): Promise<Machine> {
  return await changeRunState(host, reference, 'unpause', progress, async (machine, engine) => {
    if (machine.state !== 'paused') throw wrongState(`${machine.name} is not paused.`, machine.name);
    const { trouble } = machine;
    using retry = trouble === null ? undefined : watchRetry(machine);
    // Set before: the events of a guest that pauses again may come together with the answer.
    machine.state = 'running';
    const resumed = orTakeBack(engine.resume(), async () => await machine.engine.pause());
    await resumed.catch((error: unknown) => {
      machine.state = 'paused';
      throw error;
    });
    const failed = await retry?.outcome();
    if (failed) throw failed;
  });
}

/** Milliseconds in which the host must carry out what the guest was paused for. Its disks answer much sooner. */
const retryDeadlineMs = 2000;

interface Retry extends Disposable {
  /** The error that paused the guest again, or undefined when a write has succeeded or the time is over. */
  outcome(): Promise<KameError | undefined>;
}

/** The writes that the guest's disks have completed. */
async function completedWrites({ engine }: Running): Promise<number> {
  const disks = await engine.qmp.execute('query-blockstats');
  return disks.reduce((sum, { stats }) => sum + stats.wr_operations, 0);
}

/** Watches the engine retry the write that a disk error had paused the guest for. Begin before the guest resumes. */
function watchRetry(machine: Running): Retry {
  let again: { readonly full: boolean; readonly reason: string } | undefined;
  const listener = machine.engine.on('BLOCK_IO_ERROR', ({ action, nospace, reason }) => {
    if (action === 'stop') again = { full: nospace === true, reason };
  });
  const before = completedWrites(machine);
  // Awaited in `outcome`; an engine that ends before must not crash the daemon.
  before.catch(() => undefined);
  return {
    async outcome() {
      const start = await before;
      const look = async () => {
        const done = (await completedWrites(machine)) > start;
        return again ?? (done ? 'written' : undefined);
      };
      const found = await poll(look, { deadlineMs: retryDeadlineMs });
      return found === undefined || found === 'written' ? undefined : pausedAgain(machine, found);
    },
    [Symbol.dispose]: () => listener[Symbol.dispose](),
  };
}

function pausedAgain(machine: Running, { full, reason }: { full: boolean; reason: string }): KameError {
  const { name } = machine;
  const details = { machine: name };
  const next = `Then run kame unpause ${name} again; no data is lost.`;
  return full
    ? new KameError('DISK_FULL', `The disk of the host is still full, so ${name} is paused again.`, {
        next: `Free some space. ${next}`,
        details,
      })
    : new KameError('FILE_ACCESS', `A disk of ${name} still fails, so it is paused again: ${reason}`, {
        next: `Check the disk of the host. ${next}`,
        details,
      });
}

function wrongState(message: string, machine: string): KameError {
  return new KameError('WRONG_STATE', message, { details: { machine } });
}
