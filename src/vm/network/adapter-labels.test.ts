import { describe, expect, it } from 'vitest';
import { adapterLabels } from './adapter-labels.ts';

describe('the labels of adapters in a network', () => {
  it('are those of their machines, with a number from the second adapter of a machine on', () => {
    expect(adapterLabels(['web', 'db', 'web', 'web'], ['web', 'db'])).toEqual([
      'web',
      'db',
      'web-2',
      'web-3',
    ]);
  });

  it('are no other machine’s, in this network or another', () => {
    expect(adapterLabels(['web', 'web'], ['web', 'web-2'])).toEqual(['web', 'web-3']);
  });

  it('have at most the characters of a name in DNS', () => {
    const long = 'w'.repeat(63);
    expect(adapterLabels([long, long, undefined], [long])).toEqual([long, `${'w'.repeat(59)}-2`, undefined]);
  });
});
