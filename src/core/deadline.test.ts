import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { aborted, Deadline, deadlineSignal, poll, settledWithin } from './deadline.ts';

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
    expect(await end).toBe(true);
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

describe('aborted', () => {
  it('resolves when the signal fires, for all who wait, with one listener', async () => {
    const controller = new AbortController();
    const waiting = [1, 2, 3].map(async () => await aborted(controller.signal));
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    controller.abort();
    await Promise.all(waiting);
    await aborted(controller.signal);
  });
});

describe('settledWithin', () => {
  it('says whether a promise has settled, whether fulfilled or rejected', async () => {
    expect(await settledWithin(Promise.resolve(), 5000)).toBe(true);
    expect(await settledWithin(Promise.reject(new Error('no')), 5000)).toBe(true);
    expect(await settledWithin(new Promise(() => undefined), 1)).toBe(false);
  });
});

describe('a deadline', () => {
  it('leaves a step no more time than remains', () => {
    const deadline = new Deadline(5000);
    expect(deadline.step(100).deadlineMs).toBe(100);
    expect(deadline.step(60_000).deadlineMs).toBeLessThanOrEqual(5000);
    expect(new Deadline(Infinity).step(Infinity).deadlineMs).toBe(Infinity);
  });

  it('has nothing left once it has passed', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const deadline = new Deadline(500);
    vi.advanceTimersByTime(300);
    expect(deadline.leftMs).toBe(200);
    vi.advanceTimersByTime(300);
    expect([deadline.leftMs, deadline.step(100).deadlineMs]).toEqual([0, 0]);
  });

  it('passes the signal on', () => {
    const { signal } = new AbortController();
    const deadline = new Deadline(5000, { signal, report: () => undefined });
    expect([deadline.signal, deadline.step(1).signal]).toEqual([signal, signal]);
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
