import { describe, expect, it } from 'vitest';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { machineLike } from '../../../test/support/machine-like.ts';
import { KameError } from '../../../src/core/errors.ts';
import { fitting, forEach } from './bulk.ts';

const machine = (name: string, state: Machine['state']): Machine => machineLike({ name, state });
const all = [
  machine('a', 'running'),
  machine('b', 'stopped'),
  machine('c', 'broken'),
  machine('d', 'suspended'),
];
const names = (machines: readonly Machine[]) => machines.map(({ name }) => name);

describe('several machines at once', () => {
  it('are those whose state allows it', () => {
    expect(names(fitting(all, 'start'))).toEqual(['b', 'd']);
    expect(names(fitting(all, 'stop'))).toEqual(['a']);
    expect(names(fitting(all, 'snapshot'))).toEqual(['a', 'b', 'd']);
    expect(names(fitting(all, 'clone'))).toEqual(['a', 'b', 'd']);
  });

  it('are done one after the other, and one that fails does not keep the others from it', async () => {
    const done: string[] = [];
    const seen: (number | undefined)[] = [];
    const work = async ({ name }: Machine) => {
      await Promise.resolve();
      if (name !== 'd') throw new KameError('BUSY', `${name} is busy.`);
      done.push(name);
    };
    const all3 = forEach(all.slice(1), work, { onProgress: (report) => seen.push(report.done) });
    await expect(all3).rejects.toMatchObject({ code: 'BUSY', message: 'b is busy. c is busy.' });
    expect(done).toEqual(['d']);
    expect(seen).toEqual([0, 1, 2]);
  });

  it('stop when that is asked for', async () => {
    const over = new AbortController();
    const done: string[] = [];
    const work = async ({ name }: Machine) => {
      await Promise.resolve();
      done.push(name);
      over.abort();
    };
    await expect(forEach(all, work, { signal: over.signal })).rejects.toThrow('aborted');
    expect(done).toEqual(['a']);
  });
});
