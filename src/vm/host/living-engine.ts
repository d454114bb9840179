import { pause, poll } from '../../core/deadline.ts';
import { messageOf } from '../../core/errors.ts';
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

/** An engine releases the locks on its disks when it saves its state, so another program may hold one now: waits for it. */
async function resumeWhenFree(machine: Running): Promise<void> {
  let refused: unknown;
  const resumed = await poll(
    async () => {
      try {
        await machine.engine.resume();
        return true;
      } catch (error) {
        refused = error;
        if (!/Failed to get "[^"]*" lock/.test(messageOf(error))) throw error;
        return undefined;
      }
    },
    { deadlineMs: freeDeadlineMs },
  );
  if (!resumed) throw refused;
}

/** Resumes a guest that an operation paused. @param paused whether it was already paused before the operation */
export async function resumeUnlessPaused(machine: Running | undefined, paused: boolean): Promise<void> {
  if (!machine || paused) return;
  const status = await machine.engine.status();
  if (status === 'paused' || status === 'postmigrate') await resumeWhenFree(machine);
}
