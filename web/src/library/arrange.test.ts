import { expect, it } from 'vitest';
import { machineLike } from '../../../test/support/machine-like.ts';
import { arranged } from './arrange.ts';

const all = [
  machineLike({ name: 'web10', memoryBytes: 3, folder: 'work/web' }),
  machineLike({ name: 'Web2', state: 'running', ip: '192.168.1.7', memoryBytes: 2 }),
  machineLike({ name: 'old', state: 'broken', guestOS: '', arch: null }),
];
const names = (query: string, order: 'name' | 'state' | 'memory' = 'name') =>
  arranged(all, { query, order, folder: '' }).map(({ name }) => name);

it('orders names as people do', () => {
  expect(names('')).toEqual(['old', 'Web2', 'web10']);
});

it('puts what needs a look first, or what needs most memory', () => {
  expect(names('', 'state')).toEqual(['old', 'Web2', 'web10']);
  expect(names('', 'memory')).toEqual(['web10', 'Web2', 'old']);
});

it.each([
  ['WEB', ['Web2', 'web10']],
  ['debian web', ['Web2', 'web10']],
  ['168.1', ['Web2']],
  ['  broken ', ['old']],
  ['web.*', []],
])('finds with "%s"', (query, found) => {
  expect(names(query)).toEqual(found);
});

it('finds only what is in a folder', () => {
  expect(arranged(all, { query: '', order: 'name', folder: 'work' }).map(({ name }) => name)).toEqual([
    'web10',
  ]);
});
