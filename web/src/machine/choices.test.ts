import { expect, it } from 'vitest';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { choicesFor } from './choices.ts';

function labels(state: Machine['state'], may: (operation: string) => boolean = () => true, name = 'web') {
  const machine = { id: 'a', name, path: '/m/web.vmx', state } as Machine;
  const { main, others } = choicesFor(machine, may);
  return [main?.label, ...others.map(({ label }) => label)];
}

it.each<[Machine['state'], string]>([
  ['stopped', 'start snapshot clone folder remove delete'],
  ['running', 'stop snapshot clone suspend pause restart folder off'],
  ['paused', 'resume snapshot folder off'],
  ['suspended', 'resume snapshot clone folder remove delete'],
  ['unreachable', ' off'],
  ['broken', ' remove delete'],
])('a %s machine can be: %s', (state, expected) => {
  expect(labels(state).join(' ')).toBe(expected);
});

it('what is not permitted is not offered', () => {
  expect(labels('running', (operation) => operation === 'machines.stop')).toEqual(['stop', 'off']);
  expect(labels('stopped', () => false)).toEqual([undefined]);
});

it('a row that is named after its path is no machine', () => {
  expect(labels('broken', () => true, '/m/web.vmx')).toEqual([undefined]);
});
