import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyText } from '../../test/support/any-text.ts';
import { distinctHostNames, hostNameFor } from './host-label.ts';

const form = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/u;
const anyName = anyText(300);

describe('the host name of a machine', () => {
  it('is valid for any name', () => {
    expect(hostNameFor('My Schildkröte #2')).toBe('my-schildkrote-2');
    expect(hostNameFor('亀')).toBe('kame');
    fc.assert(
      fc.property(anyName, (name) => {
        expect(hostNameFor(name)).toMatch(form);
      }),
    );
  });
});

describe('distinct host names', () => {
  it('give a number to those that would be the same, past names that have it', () => {
    expect(distinctHostNames(['web', 'Web', 'web-2', 'WEB!'])).toEqual(['web', 'web-3', 'web-2', 'web-4']);
    const long = 'a'.repeat(70);
    expect(distinctHostNames([long, long])).toEqual(['a'.repeat(63), `${'a'.repeat(61)}-2`]);
  });

  it('are valid and all different', () => {
    const names = fc.array(fc.oneof(anyName, fc.constantFrom('web', 'Web', 'web-2', 'a'.repeat(80))));
    fc.assert(
      fc.property(names, (given) => {
        const labels = distinctHostNames(given);
        expect(new Set(labels).size).toBe(given.length);
        for (const label of labels) expect(label).toMatch(form);
      }),
    );
  });
});
