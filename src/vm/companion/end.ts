import { poll } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import { isAlive, signalProcess, type ProcessIdentity } from '../../sys/process-identity.ts';

/** Milliseconds that the kernel has to end a process after SIGKILL. */
const killDeadlineMs = 5000;

async function isGone(process: ProcessIdentity, deadlineMs: number): Promise<boolean> {
  const gone = async () => ((await isAlive(process)) ? undefined : true);
  return (await poll(gone, { deadlineMs, stepMs: 2, maxStepMs: 50 })) ?? false;
}

/**
 * Waits for a process to exit, and kills it when it does not.
 * @param what the process in the words of the error, such as "The engine"
 * @throws KameError ENGINE_TIMEOUT when even SIGKILL does not end it
 */
export async function ensureGone(what: string, process: ProcessIdentity, deadlineMs: number): Promise<void> {
  if (await isGone(process, deadlineMs)) return;
  await signalProcess(process, 'SIGKILL');
  if (await isGone(process, killDeadlineMs)) return;
  throw new KameError(
    'ENGINE_TIMEOUT',
    `${what} (process ${process.pid}) does not exit, not even after SIGKILL.`,
    {
      next: 'Such a process usually waits for a disk or a file system of the host: check those.',
      details: { pid: process.pid },
    },
  );
}
