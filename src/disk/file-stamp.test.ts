import { linkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { isUnchanged, stampOf } from './file-stamp.ts';

const temporary = useTemporaryDirectory();
const stamp = (change: object = {}) => ({ file: '1:2', size: '10', time: '1700000000123456789', ...change });

describe('isUnchanged', () => {
  it.each([
    ['the same', {}, true],
    ['of another size', { size: '11' }, false],
    ['written to later', { time: '1700000000223456789' }, false],
    ['written to earlier', { time: '1600000000123456789' }, false],
    ['with a time that lost its nanoseconds', { time: '1700000000123000000' }, true],
    ['a copy that kept the second', { file: '1:3', time: '1700000000000000000' }, true],
    ['another of the same second', { file: '1:3', time: '1700000000123999999' }, false],
    ['a copy that lost its nanoseconds', { file: '1:3', time: '1700000000123456000' }, true],
    ['a copy with a time of its own', { file: '1:3', time: '1800000000000000000' }, false],
  ])('a file that is %s', (_name, change, unchanged) => {
    expect(isUnchanged(stamp(), stamp(change))).toBe(unchanged);
  });
});

describe('stampOf', () => {
  it('is that of the file, whatever its name', async () => {
    const directory = temporary();
    const [a, b] = ['a', 'b'].map((name) => join(directory, name)) as [string, string];
    writeFileSync(a, 'text');
    linkSync(a, b);
    expect(await stampOf(b)).toEqual(await stampOf(a));
    expect(await stampOf(a)).toMatchObject({ size: '4' });
    expect(await stampOf(join(directory, 'c'))).toBeUndefined();
    expect(await stampOf(join(a, 'c'))).toBeUndefined();
  });
});
