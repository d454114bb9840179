import { describe, expect, it } from 'vitest';
import { readAr } from './ar.ts';
import { makeAr } from './fixtures/archives.ts';

const whole = makeAr({ 'debian-binary': Buffer.from('2.0\n'), 'data.tar.xz': Buffer.from('odd') });

describe('readAr', () => {
  it('reads members, even those of odd length', () => {
    const members = readAr(whole);
    expect([...members.keys()]).toEqual(['debian-binary', 'data.tar.xz']);
    expect(Buffer.from(members.get('data.tar.xz') as Uint8Array).toString()).toBe('odd');
  });

  it.each([
    ['empty', Buffer.alloc(0)],
    ['something else', Buffer.from('PK\x03\x04 and more than eight bytes')],
    ['cut off in a member', whole.subarray(0, whole.length - 3)],
    ['cut off in a header', whole.subarray(0, 8 + 30)],
    ['a wrong header end', Buffer.concat([whole.subarray(0, 66), Buffer.from('xx'), whole.subarray(68)])],
  ])('rejects an archive that is %s', (_, data) => {
    expect(() => readAr(data)).toThrow(expect.objectContaining({ code: 'BAD_IMAGE' }));
  });

  it('rejects sizes that are not numbers or reach beyond the file', () => {
    const huge = Buffer.from(whole);
    huge.write('9999999999', 8 + 48, 'latin1');
    expect(() => readAr(huge)).toThrow(/truncated/);
    huge.write('-1        ', 8 + 48, 'latin1');
    expect(() => readAr(huge)).toThrow(/not a number/);
  });
});
