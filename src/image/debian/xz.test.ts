import { describe, expect, it } from 'vitest';
import { storeXz } from './fixtures/store-xz.ts';
import { decompressXz, decompressXzWhole } from './xz.ts';

// The output of `printf 'hello %.0s' $(seq 1000) | xz -9`, to cover real compression too.
const hello =
  '/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM4BdvACddADQZSe6N6V/B8PcXRFCFYsMIgtxhE2Az4ZG1aVMlHrpxT6vr+2SMAAAApDhnPLRAo+gAAUPwLgAAAE8kQEKxxGf7AgAAAAAEWVo=';

const options = { name: 'test', maxBytes: 10_000_000 };

describe('decompressXz', () => {
  it('restores stored data, in several chunks', async () => {
    const data = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7919) % 251));
    expect((await decompressXzWhole(storeXz(data), options)).equals(data)).toBe(true);
  });

  it('restores data that xz compressed', async () => {
    expect((await decompressXzWhole(Buffer.from(hello, 'base64'), options)).toString()).toBe(
      'hello '.repeat(1000),
    );
  });

  it.each([
    ['empty', Buffer.alloc(0)],
    ['something else', Buffer.from('not xz at all, but long enough to be read')],
    ['cut off', storeXz(Buffer.alloc(100_000, 'x')).subarray(0, 50_000)],
    ['without its end', storeXz(Buffer.alloc(1000, 'x')).subarray(0, 1020)],
  ])('rejects data that is %s', async (_, data) => {
    await expect(decompressXzWhole(data, options)).rejects.toMatchObject({ code: 'BAD_IMAGE' });
  });

  it('refuses a damaged byte and more output than allowed', async () => {
    const damaged = storeXz(Buffer.alloc(1000, 'x'));
    damaged[500] = 0;
    await expect(decompressXzWhole(damaged, options)).rejects.toMatchObject({ code: 'BAD_IMAGE' });
    const large = storeXz(Buffer.alloc(1000, 'x'));
    await expect(decompressXzWhole(large, { name: 'test', maxBytes: 999 })).rejects.toThrow(
      /more than 999 bytes/,
    );
  });

  it('does not block the next stream when one is abandoned', async () => {
    for await (const chunk of decompressXz(storeXz(Buffer.alloc(500_000, 'x')), options)) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(await decompressXzWhole(storeXz(Buffer.from('next')), options)).toHaveLength(4);
  });

  it('can be cancelled', async () => {
    const data = storeXz(Buffer.alloc(9_000_000, 'x'));
    const cancelled = decompressXzWhole(data, { ...options, signal: AbortSignal.abort() });
    await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
