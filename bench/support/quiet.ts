import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds in which the effects of the last run subside, such as timers in a guest that has resumed. */
const quietMs = 400;

/** Waits until the effects of the last run have subsided. */
export async function quiet(signal: AbortSignal): Promise<void> {
  await sleep(quietMs, undefined, { signal });
}
