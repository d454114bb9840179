import { vi } from 'vitest';
import { deferred } from '../../src/core/deferred.ts';
import type { Planned, Troubles, When } from './fake-engine/trouble.ts';

export interface Standstill {
  readonly planned: Planned;
  /** The engine continues, and executes all commands that came in the meantime. */
  letGo(): void;
}

/** An engine hangs from its next command on, as after SIGSTOP, until it is released. */
export function standStill(troubles: Troubles, when: When = {}): Standstill {
  const gate = deferred();
  const planned = troubles.before('*', async () => await gate.promise, when);
  return { planned, letGo: gate.resolve };
}

const wait = setTimeout;

/**
 * Waits for something that itself only waits for time to pass, and lets time pass: the first milliseconds at once, so that a
 * deadline passes, then as it really does, since a process, for example, needs some to end.
 * @param atOnceMs no more than the deadline that is to pass
 * @param from resolves when that deadline runs; until then, time passes as it really does. On a loaded host the work may
 * come to its deadline late, and would then have to wait for it in full.
 */
export async function hurry<T>(
  atOnceMs: number,
  begin: () => Promise<T>,
  from: Promise<void> = Promise.resolve(),
): Promise<T> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  try {
    const work = begin();
    let isOver = false;
    const over = () => void (isOver = true);
    work.then(over, over);
    let leftMs = 0;
    void from.then(() => (leftMs = atOnceMs));
    while (!isOver) {
      await new Promise((resolve) => wait(resolve, 4));
      await vi.advanceTimersByTimeAsync(leftMs > 0 ? 100 : 4);
      leftMs -= 100;
    }
    return await work;
  } finally {
    vi.useRealTimers();
  }
}
