import { pause, poll } from '../../core/deadline.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Bundle } from '../../store/bundle.ts';
import type { Host } from './host.ts';
import type { Running } from './running.ts';

/** Milliseconds that another program may keep a disk locked before the guest resumes. */
const freeDeadlineMs = 10_000;

/** The machine if its engine's process is alive. Waits for the end of an engine that is about to exit. */
export async function livingEngine(host: Host, bundle: Bundle): Promise<Running | undefined> {
  const machine = host.running.get(bundle.names.vmx);
  if (!machine) return undefined;
  if (await machine.engine.isAlive()) return machine;
  await machine.ended;
  return undefined;
}

/**
 * Checks that the engine of a machine answers, if one runs, before anything is changed.
 * @throws KameError ENGINE_TIMEOUT with what to do, CANCELLED
 */
export async function requireAnswer(machine: Running | undefined, progress: Progress): Promise<void> {
  await machine?.engine.for(progress).requireAnswer();
}

/** Whether an engine is gone. Its monitor closes a moment before its process exits: waits for that. */
export async function hasEnded(machine: Running): Promise<boolean> {
  const closed = await Promise.race([machine.engine.closed.then(() => true), pause(0).then(() => false)]);
  if (closed) await machine.ended;
  return closed;
}

/** How often an engine is asked to resume its guest when it refuses for another reason than a lock. */
const resumeAttempts = 3;

function stillPaused({ name }: Running, refused: unknown): KameError {
  const message = `The guest of ${name} is paused, and its engine refuses to resume it: ${messageOf(refused)}`;
  return new KameError('ENGINE_FAILED', message, {
    next: `No data is lost. kame unpause ${name} tries again.`,
    details: { machine: name },
    cause: refused,
  });
}

/**
 * Resumes a guest that Kame has paused. An engine releases the locks on its disks when it saves its state or merges layers,
 * so another program may hold one now: waits for it.
 * @throws KameError ENGINE_FAILED when the guest stays paused
 */
async function resumeWhenFree(machine: Running): Promise<void> {
  let refused: unknown;
  let attempts = 0;
  const resumed = await poll(
    async () => {
      try {
        await machine.engine.resume();
        return true;
      } catch (error) {
        refused = error;
        attempts += 1;
        const isLock = /Failed to get "[^"]*" lock/.test(messageOf(error));
        if (!isLock && (attempts >= resumeAttempts || (await hasEnded(machine)))) throw error;
        return undefined;
      }
    },
    { deadlineMs: freeDeadlineMs },
  ).catch((error: unknown) => {
    refused = error;
    return undefined;
  });
  if (resumed) return;
  throw (await hasEnded(machine)) ? refused : stillPaused(machine, refused);
}

/**
 * Resumes a guest that an operation paused.
 * @param paused whether it was already paused before the operation
 * @throws KameError ENGINE_FAILED when the engine refuses
 */
export async function resumeUnlessPaused(machine: Running | undefined, paused: boolean): Promise<void> {
  if (!machine || paused) return;
  const status = await machine.engine.status();
  if (status === 'paused' || status === 'postmigrate') await resumeWhenFree(machine);
}
