import { socketAnswers } from '../../sys/single-instance.ts';

const lookEveryMs = 20;

/** Waits until a Unix socket no longer accepts connections. Returns false at the deadline. */
export async function waitUntilGone(socket: string, deadlineMs: number): Promise<boolean> {
  const end = performance.now() + deadlineMs;
  while (await socketAnswers(socket)) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
  return true;
}
