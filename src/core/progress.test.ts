import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deferred } from './deferred.ts';
import { patiently, uncancellable, type Progress } from './progress.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

describe('patiently', () => {
  it('reports what it waits for after 2 s, once', async () => {
    const stages: string[] = [];
    const { promise, resolve } = deferred<number>();
    const waited = patiently({ report: ({ stage }) => void stages.push(stage) }, 'the engine', promise);
    vi.advanceTimersByTime(1999);
    expect(stages).toEqual([]);
    vi.advanceTimersByTime(10_000);
    expect(stages).toEqual(['Waiting for the engine']);
    resolve(7);
    expect(await waited).toBe(7);
  });

  it('reports nothing when the answer comes sooner, or is an error', async () => {
    const report = vi.fn<Progress['report']>();
    expect(await patiently({ report }, 'it', Promise.resolve(1))).toBe(1);
    await expect(patiently({ report }, 'it', Promise.reject(new Error('no')))).rejects.toThrow('no');
    vi.advanceTimersByTime(10_000);
    expect(report).not.toHaveBeenCalled();
  });
});

describe('uncancellable', () => {
  it('passes reports on, but no cancellation', () => {
    const report = vi.fn<Progress['report']>();
    const progress = uncancellable({ signal: AbortSignal.abort(), report });
    progress.report({ stage: 'on' });
    expect(report).toHaveBeenCalledWith({ stage: 'on' });
    expect(progress.signal.aborted).toBe(false);
  });
});
