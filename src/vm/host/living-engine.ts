import { pause, poll } from '../../core/deadline.ts';
import { messageOf } from '../../core/errors.ts';
import type { Bundle } from '../../store/bundle.ts';
import type { Host } from './host.ts';
import type { Running } from './running.ts';

/** Milliseconds that others may take to look at a disk before its engine resumes. */
const freeDeadlineMs = 10_000;

/** The machine, if its engine's process lives. One that is about to end is waited for. */
export async function livingEngine(host: Host, bundle: Bundle): Promise<Running | undefined> {
  const machine = host.running.get(bundle.names.vmx);
  if (!machine) return undefined;
  if (await machine.engine.isAlive()) return machine;
  await machine.ended;
  return undefined;
}

/** Whether an engine is gone, after a wait if it is about to be: its monitor closes a moment before. */
export async function hasEnded(machine: Running): Promise<boolean> {
  const closed = await Promise.race([machine.engine.closed.then(() => true), pause(0).then(() => false)]);
  if (closed) await machine.ended;
  return closed;
}

/** After its state was saved an engine holds no lock on its disks: a program that looks at one just then is waited for. */
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

/** Resumes a guest that an operation stopped. @param paused whether it was paused before the operation */
export async function resumeUnlessPaused(machine: Running | undefined, paused: boolean): Promise<void> {
  if (!machine || paused) return;
  const status = await machine.engine.status();
  if (status === 'paused' || status === 'postmigrate') await resumeWhenFree(machine);
}
