import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyText } from '../../../test/support/any-text.ts';
import { readSteps } from './report.ts';

describe('the report of a script', () => {
  it('has a step for each name, in their order', () => {
    expect(readSteps('b=failed:no room\na=ok\nc=skipped:none\n', ['a', 'b', 'c', 'd'])).toEqual([
      { name: 'a', result: 'ok' },
      { name: 'b', result: 'failed', reason: 'no room' },
      { name: 'c', result: 'skipped', reason: 'none' },
      { name: 'd', result: 'failed', reason: 'the guest said nothing of it' },
    ]);
  });

  it('accepts no other form, no other names, nothing twice, and no long or dangerous words', () => {
    const text = ` a=ok\nb=OK\nc=ok\nc=failed\nd=okay\nx=ok\ne=failed:\u001b[31m${'w'.repeat(500)}\n__proto__=ok\n`;
    const steps = readSteps(text, ['a', 'b', 'c', 'd', 'e']);
    expect(steps.map(({ result }) => result)).toEqual(['failed', 'failed', 'ok', 'failed', 'failed']);
    expect(steps[4]?.reason).toMatch(/^\[31mw{196}…$/);
  });

  it('is never more than was asked for, whatever the guest says', () => {
    fc.assert(
      fc.property(anyText(300), (text) => {
        const steps = readSteps(text, ['hostname', 'mac-0']);
        expect(steps.map(({ name }) => name)).toEqual(['hostname', 'mac-0']);
      }),
    );
  });
});
