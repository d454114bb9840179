import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { deadlineSignal, pause, poll } from './deadline.ts';

/** Forces a garbage collection, which a busy program runs sooner or later. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

async function fired(signal: AbortSignal): Promise<true> {
  return await new Promise((resolve) =>
    signal.addEventListener('abort', () => resolve(true), { once: true }),
  );
}

describe('deadlineSignal', () => {
  it('fires at its deadline even after a garbage collection', async () => {
    using deadline = deadlineSignal(30, new AbortController().signal);
    const end = fired(deadline.signal);
    // Nothing of this function's own may hold it any more.
    await new Promise(setImmediate);
    collectGarbage();
    expect(await Promise.race([end, pause(5000)])).toBe(true);
  });

  it('fires when the other signal fires or has fired, and never once it is disposed', async () => {
    const other = new AbortController();
    const early = deadlineSignal(60_000, other.signal);
    const end = fired(early.signal);
    const disposed = deadlineSignal(0, other.signal);
    disposed[Symbol.dispose]();
    other.abort();
    expect(await end).toBe(true);
    early[Symbol.dispose]();
    using late = deadlineSignal(60_000, other.signal);
    expect(late.signal.aborted).toBe(true);
    // The clock of the disposed one would be due before this one's.
    using later = deadlineSignal(1, new AbortController().signal);
    await fired(later.signal);
    expect(disposed.signal.aborted).toBe(false);
  });
});

describe('poll', () => {
  it('checks until there is a value or the deadline passes', async () => {
    let looks = 0;
    const third = async () => ((looks += 1) === 3 ? looks : undefined);
    expect(await poll(third, { deadlineMs: 5000, stepMs: 1 })).toBe(3);
    expect(await poll(async () => undefined, { deadlineMs: 5, stepMs: 1 })).toBe(undefined);
    const cancelled = { deadlineMs: 5000, signal: AbortSignal.abort() };
    await expect(poll(third, cancelled)).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
