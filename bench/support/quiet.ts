import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds in which what the last run began, such as timers of a guest that goes on, comes to an end. */
const quietMs = 400;

/** Nothing is measured while the last run still works. */
export async function quiet(signal: AbortSignal): Promise<void> {
  await sleep(quietMs, undefined, { signal });
}
