import { expect, it } from 'vitest';
import { demoSummary, stateIn, stepsFor } from './demo-text.ts';

const verbs = (state: string | undefined): (string | undefined)[] =>
  stepsFor(state).map(({ args }) => args[0]);

it('creates the machine only if it does not exist, and always ends by starting it', () => {
  expect(verbs(undefined)).toEqual(['create', 'start']);
  expect(verbs('stopped')).toEqual(['start']);
});

it('stops a running machine, and powers off a paused one, which cannot shut down', () => {
  expect(verbs('running')).toEqual(['stop', 'start']);
  expect(stepsFor('running')[0]?.args).not.toContain('--hard');
  expect(stepsFor('paused')[0]?.args).toContain('--hard');
});

it('finds the machine by its name', () => {
  expect(stateIn([{ name: 'demo2', state: 'running' }])).toBeUndefined();
  expect(stateIn([{ name: 'demo', state: 'paused' }])).toBe('paused');
  expect(() => stateIn({})).toThrow(/not an array/);
});

it('prints the time, the accelerator, the reason, the next commands and the address of the web desktop', () => {
  const timings = { spawnMs: 12, qmpMs: 340, agentMs: 2100 };
  const web = { address: 'http://127.0.0.1:4000/#abc' };
  const text = demoSummary(
    { accelerator: 'tcg', acceleratorReason: 'no guest boots under kvm', timings },
    web,
  );
  expect(text).toMatch(/booted in 2\.1 s/);
  expect(text).toMatch(/tcg \(no guest boots under kvm\)/);
  expect(text.match(/kame\.cjs/g)).toHaveLength(4);
  expect(text.trimEnd()).toMatch(/http:\/\/127\.0\.0\.1:4000\/#abc$/);
});
