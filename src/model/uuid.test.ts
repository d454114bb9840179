import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generatedMac, isUuid, isVmwareStaticMac, normalizeMac, uuidFromVmx, uuidToVmx } from './uuid.ts';

describe('UUIDs', () => {
  it('converts VMware’s hex pairs to the canonical form', () => {
    expect(uuidFromVmx('56 4d 7B fc 21 5e 2e 04-0d d4 2b 46 76 ee 1c 8f')).toBe(
      '564d7bfc-215e-2e04-0dd4-2b4676ee1c8f',
    );
    expect(uuidFromVmx('564d7bfc-215e-2e04-0dd4-2b4676ee1c8f')).toBe('564d7bfc-215e-2e04-0dd4-2b4676ee1c8f');
  });

  it.each([
    '',
    '56 4d',
    'zz'.repeat(16),
    '56 4d 7b fc 21 5e 2e 04-0d d4 2b 46 76 ee 1c 8f 00',
    ' '.repeat(40),
  ])('refuses %j', (text) => {
    expect(uuidFromVmx(text)).toBeUndefined();
  });

  it('survives the round trip', () => {
    fc.assert(
      fc.property(fc.uuid(), (uuid) => {
        expect(isUuid(uuid)).toBe(true);
        expect(uuidToVmx(uuid)).toMatch(/^(?:[0-9a-f]{2} ){7}[0-9a-f]{2}-(?:[0-9a-f]{2} ){7}[0-9a-f]{2}$/);
        expect(uuidFromVmx(uuidToVmx(uuid))).toBe(uuid);
      }),
    );
  });
});

describe('MAC addresses', () => {
  it('generates them from the end of the UUID, ten apart', () => {
    expect(generatedMac('564d7bfc-215e-2e04-0dd4-2b4676ee1c8f')).toBe('00:0c:29:ee:1c:8f');
    expect(generatedMac('564d7bfc-215e-2e04-0dd4-2b4676ee1c8f', 1)).toBe('00:0c:29:ee:1c:99');
    expect(generatedMac('564d7bfc-215e-2e04-0dd4-2b4676ffffff', 2)).toBe('00:0c:29:00:00:13');
  });

  it('reads both notations and nothing else', () => {
    expect(normalizeMac('00-0C-29-AB-cd-EF')).toBe('00:0c:29:ab:cd:ef');
    expect(normalizeMac('00:0c:29:ab:cd')).toBeUndefined();
    expect(normalizeMac('00:0c:29:ab:cd:eg')).toBeUndefined();
  });

  it('knows VMware’s range for static addresses', () => {
    expect(isVmwareStaticMac('00:50:56:3f:ff:ff')).toBe(true);
    expect(isVmwareStaticMac('00:50:56:40:00:00')).toBe(false);
  });
});
