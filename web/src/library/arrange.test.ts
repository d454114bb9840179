import { expect, it } from 'vitest';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { arranged } from './arrange.ts';

function machine(name: string, more: Partial<Machine> = {}): Machine {
  return {
    name,
    id: name,
    path: `/m/${name}.vmx`,
    state: 'stopped',
    reason: null,
    guestOS: 'arm-debian12-64',
    arch: 'aarch64',
    folder: '',
    accelerator: null,
    cpus: 1,
    memoryBytes: 1,
    ip: null,
    agent: false,
    ...more,
  };
}

const all = [
  machine('web10', { memoryBytes: 3 }),
  machine('Web2', { state: 'running', ip: '192.168.1.7', memoryBytes: 2 }),
  machine('old', { state: 'broken', guestOS: '', arch: null }),
];
const names = (query: string, order: 'name' | 'state' | 'memory' = 'name') =>
  arranged(all, query, order).map(({ name }) => name);

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
