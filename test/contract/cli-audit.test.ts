import { expect } from 'vitest';
import { joinedHomeTest } from '../support/joined-home.ts';

const it = joinedHomeTest;

it('keeps what commands of this computer did, without what they were given', async ({ home }) => {
  await home.json('create', 'demo');
  await home.kame(['show', 'nothing']);
  const entries = await home.json<
    { operation: string; from: string; machine: string | null; result: string }[]
  >('web', 'audit');
  expect(entries.map(({ from, operation, machine, result }) => [from, operation, machine, result])).toEqual([
    ['socket', 'machines.create', 'demo', 'ok'],
  ]);
  expect((await home.kame(['web', 'audit'])).stdout).toContain('machines.create');
});
