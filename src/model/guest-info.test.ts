import { expect, it } from 'vitest';
import { guestInfoLimits, withGuestInfo } from './guest-info.ts';

const { valueBytes, allBytes, names } = guestInfoLimits;
const full = 'x'.repeat(valueBytes);

/** So many variables with the same value. */
function many(count: number, value: string): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`guestinfo.n${index}`, value]));
}

it('lets variables be set up to the limits, and changed at them', () => {
  const most = many(names, '');
  expect(withGuestInfo(most, 'guestinfo.n0', 'y')).toEqual({ ...most, 'guestinfo.n0': 'y' });
  expect(() => withGuestInfo(most, 'guestinfo.last', '')).toThrow(/more than 500/);
  const long = many(allBytes / valueBytes - 1, full);
  expect(() => withGuestInfo(long, 'guestinfo.last', full)).toThrow(/more than 1 MiB/);
  expect(Object.keys(withGuestInfo(long, 'guestinfo.last', 'y'))).toHaveLength(allBytes / valueBytes);
});

it.each([`${full}x`, 'a\0b', 'é'.repeat(valueBytes / 2 + 1)])(
  'refuses a value that is too long, or no text',
  (value) => {
    expect(() => withGuestInfo({}, 'guestinfo.a', value)).toThrow(/at most 64 KiB/);
  },
);
