import { poll } from '../../core/deadline.ts';
import { identify, isAlive } from '../../sys/process-identity.ts';
import { socketAnswers } from '../../sys/single-instance.ts';

const lookEveryMs = 20;

/**
 * Waits until a daemon has ended.
 * @param pid null when it is not known: then until nothing listens on its socket, where another one may follow it
 * @returns false at the deadline
 */
export async function waitUntilGone(
  socket: string,
  pid: number | null,
  deadlineMs: number,
): Promise<boolean> {
  const daemon = pid === null ? undefined : await identify(pid);
  const isThere = async () => {
    if (pid === null) return await socketAnswers(socket);
    return daemon !== undefined && (await isAlive(daemon));
  };
  const isGone = async () => ((await isThere()) ? undefined : true);
  return (await poll(isGone, { deadlineMs, stepMs: lookEveryMs, maxStepMs: lookEveryMs })) ?? false;
}
