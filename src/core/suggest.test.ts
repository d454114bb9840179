import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, suggest } from './suggest.ts';

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['start', 'start', 0],
    ['strat', 'start', 1],
    ['stop', 'top', 1],
    ['kitten', 'sitting', 3],
    ['', 'abc', 3],
    ['亀', '龟', 1],
  ])('from %j to %j is %i', (from, to, distance) => {
    expect(editDistance(from, to)).toBe(distance);
  });

  it('is the same both ways, and never more than the longer word', () => {
    const word = fc.string({ maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});

describe('suggest', () => {
  const verbs = ['create', 'start', 'stop', 'restart', 'completion'];

  it.each([
    ['sttart', 'start'],
    ['STOP', 'stop'],
    ['craete', 'create'],
    ['compl', 'completion'],
    ['xyz', undefined],
    ['', undefined],
    ['st', undefined],
    ['s'.repeat(5000), undefined],
  ])('suggests for %j: %j', (word, meant) => {
    expect(suggest(word, verbs)).toBe(meant);
  });

  it('respects the maximum distance', () => {
    expect(suggest('ethernetN.conectionTyp', ['ethernetN.connectionType'], 1)).toBeUndefined();
    expect(suggest('ethernetN.conectionTyp', ['ethernetN.connectionType'], 2)).toBe(
      'ethernetN.connectionType',
    );
  });
});
