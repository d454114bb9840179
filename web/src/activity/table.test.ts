import { expect, it } from 'vitest';
import { momentsOf } from './table.ts';

const times = Array.from({ length: 101 }, (_, at) => at);

it('takes moments from the latest to the first', () => {
  const moments = momentsOf([times, times.map((at) => at * 2), times.map(() => null)], 5);
  expect(moments.map(({ at }) => at)).toEqual([100, 75, 50, 25, 0]);
  expect(moments[0]).toEqual({ at: 100, values: [200, null] });
});

it('has each moment once where there are few, and none without samples', () => {
  expect(
    momentsOf(
      [
        [1, 2],
        [3, 4],
      ],
      5,
    ).map(({ at }) => at),
  ).toEqual([2, 1]);
  expect(momentsOf([[], []], 5)).toEqual([]);
});
