import { describe, expect, it } from 'vitest';
import { parse } from '../../test/support/vmx-text.ts';
import type { VmxDocument } from './document.ts';
import { getBoolean, getInteger } from './values.ts';

describe('typed values', () => {
  it('reads booleans and reports others in VMware’s words', () => {
    const doc = parse('t = "True"\nf = "FALSE"\nodd = "maybe"\nempty = ""\n');
    const problems: VmxDocument['problems'][number][] = [];
    expect(['t', 'f', 'odd', 'empty', 'absent'].map((name) => getBoolean(doc, name, true, problems))).toEqual(
      [true, false, true, true, true],
    );
    expect(problems).toEqual([
      {
        line: 3,
        key: 'odd',
        message: 'Value "maybe" for variable "odd" is not a valid boolean value. Using value "TRUE".',
      },
    ]);
  });

  it('reads integers', () => {
    const doc = parse('n = "42"\nh = "0x10"\nneg = "-1"\nodd = "4x"\nhuge = "99999999999999999999"\n');
    const problems: VmxDocument['problems'][number][] = [];
    expect(
      ['n', 'h', 'neg', 'odd', 'huge', 'absent'].map((name) => getInteger(doc, name, 7, problems)),
    ).toEqual([42, 16, -1, 7, 7, 7]);
    expect(problems.map((problem) => problem.key)).toEqual(['odd', 'huge']);
  });
});
