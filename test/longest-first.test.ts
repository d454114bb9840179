import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { longest } from './support/longest-first.ts';

it('the files that begin first exist', () => {
  expect(longest.filter((path) => !existsSync(path))).toEqual([]);
});
