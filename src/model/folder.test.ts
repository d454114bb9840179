import { expect, it } from 'vitest';
import { folderNamed, isWithin } from './folder.ts';

it.each([
  ['work/web', 'work/web'],
  [' /work// web / ', 'work/web'],
  ['', ''],
  ['/', ''],
  ['カメ/Cafe\u0301', 'カメ/Caf\u00e9'],
  ['a'.repeat(80), 'a'.repeat(80)],
  ['..', '..'],
])('names a folder with "%s"', (text, folder) => expect(folderNamed(text)).toBe(folder));

it.each([['a'.repeat(81)], ['a\u0000b'], ['a\u202Eb'], ['1/2/3/4/5/6/7/8/9']])('refuses %j', (text) =>
  expect(folderNamed(text)).toBeUndefined(),
);

it('knows what is within a folder', () => {
  expect(['', 'work', 'work/web', 'workshop'].map((folder) => isWithin(folder, 'work'))).toEqual([
    false,
    true,
    true,
    false,
  ]);
  expect(isWithin('work', '')).toBe(true);
});
