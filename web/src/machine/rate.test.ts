import { expect, it } from 'vitest';
import { Rate } from './rate.ts';

const at = (done: number, stage = 'Sending') => ({ stage, done, total: 1000, unit: 'bytes' as const });

it('is measured over the last seconds of a stage', () => {
  const rate = new Rate();
  // An upload that goes on begins with what was there.
  expect(rate.add(at(500), 0)).toBeUndefined();
  expect(rate.add(at(510), 100)).toBeUndefined();
  expect(rate.add(at(600), 1000)).toBe(100);
  expect(rate.add(at(600), 5500)).toBe(0);
  expect(rate.add(at(0, 'Reading'), 6000)).toBeUndefined();
  expect(rate.add(at(50, 'Reading'), 7000)).toBe(50);
  expect(rate.add({ stage: 'Waiting' }, 8000)).toBeUndefined();
});
