import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { tickWhileFilled, WatchedMap } from './watched-map.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('ticks only while there is an entry, and begins anew with each first one', () => {
  const map = new WatchedMap<string, number>();
  const [tick, begin] = [vi.fn<() => void>(), vi.fn<() => void>()];
  const ticking = tickWhileFilled(map, 1000, tick, begin);
  vi.advanceTimersByTime(60_000);
  expect(vi.getTimerCount()).toBe(0);

  map.set('a', 1).set('b', 2).set('a', 3);
  expect(begin).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(3000);
  expect(tick).toHaveBeenCalledTimes(3);

  map.delete('a');
  map.delete('none');
  vi.advanceTimersByTime(1000);
  expect(tick).toHaveBeenCalledTimes(4);
  map.delete('b');
  vi.advanceTimersByTime(10_000);
  expect(tick).toHaveBeenCalledTimes(4);

  map.set('c', 4);
  expect(begin).toHaveBeenCalledTimes(2);
  map.clear();
  expect(vi.getTimerCount()).toBe(0);
  map.set('d', 5);
  ticking[Symbol.dispose]();
  expect(vi.getTimerCount()).toBe(0);
  map.set('e', 6);
  expect(vi.getTimerCount()).toBe(0);
});

it('ticks for what was there before', () => {
  const map = new WatchedMap<string, number>().set('a', 1);
  const tick = vi.fn<() => void>();
  using _ticking = tickWhileFilled(map, 1000, tick);
  vi.advanceTimersByTime(1000);
  expect(tick).toHaveBeenCalledTimes(1);
});
