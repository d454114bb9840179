import { poll } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import { isAlive, signalProcess, type ProcessIdentity } from '../../sys/process-identity.ts';

/** Milliseconds that the kernel may take to end a process that it was told to kill. */
const killDeadlineMs = 5000;

async function isGone(process: ProcessIdentity, deadlineMs: number): Promise<boolean> {
  const gone = async () => ((await isAlive(process)) ? undefined : true);
  return (await poll(gone, { deadlineMs, stepMs: 2, maxStepMs: 50 })) ?? false;
}

/**
 * Makes sure that a process is gone: waits for it, then kills it.
 * @param what names it in the error, such as "The engine"
 * @throws KameError ENGINE_TIMEOUT when not even SIGKILL ends it
 */
export async function ensureGone(what: string, process: ProcessIdentity, deadlineMs: number): Promise<void> {
  if (await isGone(process, deadlineMs)) return;
  await signalProcess(process, 'SIGKILL');
  if (await isGone(process, killDeadlineMs)) return;
  throw new KameError(
    'ENGINE_TIMEOUT',
    `${what} (process ${process.pid}) does not end, not even by SIGKILL.`,
    {
      next: 'A process that cannot be killed waits for a disk or a file system of the host: look there.',
      details: { pid: process.pid },
    },
  );
}
