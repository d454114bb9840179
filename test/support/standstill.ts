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
 */
export async function hurry<T>(atOnceMs: number, begin: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  try {
    const work = begin();
    let isOver = false;
    const over = () => void (isOver = true);
    work.then(over, over);
    for (let passed = 0; !isOver; passed += 100) {
      const stepMs = passed < atOnceMs ? 100 : 4;
      await new Promise((resolve) => wait(resolve, 4));
      await vi.advanceTimersByTimeAsync(stepMs);
    }
    return await work;
  } finally {
    vi.useRealTimers();
  }
}
