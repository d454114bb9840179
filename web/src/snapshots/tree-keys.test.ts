import { expect, it } from 'vitest';
import { stepIn } from './tree-keys.ts';

// a, its children b and c, and the child d of c.
const levels = [1, 2, 2, 3];

it.each([
  ['ArrowDown', 0, 1],
  ['ArrowDown', 3, -1],
  ['ArrowUp', 3, 2],
  ['ArrowUp', 0, -1],
  ['ArrowLeft', 3, 2],
  ['ArrowLeft', 2, 0],
  ['ArrowLeft', 0, -1],
  ['ArrowRight', 0, 1],
  ['ArrowRight', 1, -1],
  ['ArrowRight', 3, -1],
  ['Home', 2, 0],
  ['End', 0, 3],
  ['Enter', 1, -1],
])('leads by %s from line %i to %i', (key, from, to) => {
  expect(stepIn(levels, from, key)).toBe(to);
});
