import { beforeAll, describe, expect, it } from 'vitest';
import { makeKey, type TestKey } from './fixtures/signed-archive.ts';
import { bookwormKeys } from './keys.ts';
import { checkRelease, parseRelease, verifyInRelease } from './release.ts';

const hash = 'a'.repeat(64);
const text = [
  'Origin: Debian',
  'Version: 12.9',
  'Codename: bookworm',
  'Date: Sat, 11 Jul 2026 10:16:37 UTC',
  'Acquire-By-Hash: yes',
  'MD5Sum:',
  ' 0123 17 main/other',
  'SHA256:',
  ` ${hash}   123 main/binary-arm64/Packages.xz`,
  '',
].join('\n');
const refused = { code: 'CHECKSUM_MISMATCH' };
let key: TestKey;
let other: TestKey;

beforeAll(async () => {
  key = await makeKey('Test archive');
  other = await makeKey('Somebody else');
});

describe('verifyInRelease', () => {
  it('returns only the signed text', async () => {
    const signed = await key.sign(text);
    expect(parseRelease(await verifyInRelease(signed, [key.public]))).toEqual(parseRelease(text));
    for (const framed of [`Evil: before\n${signed}`, `${signed}\nEvil: after\n`]) {
      expect(parseRelease(await verifyInRelease(framed, [key.public]))).toEqual(parseRelease(text));
      expect(await verifyInRelease(framed, [key.public])).not.toContain('Evil');
    }
  });

  it('accepts one valid signature by one of several keys', async () => {
    expect(await verifyInRelease(await key.sign(text), [other.public, key.public])).toContain('bookworm');
  });

  it('rejects another key, changed text, and text without a complete signature', async () => {
    const signed = await key.sign(text);
    await expect(verifyInRelease(signed, [other.public])).rejects.toMatchObject(refused);
    await expect(verifyInRelease(signed, bookwormKeys)).rejects.toMatchObject(refused);
    await expect(verifyInRelease(signed.replace('12.9', '12.8'), [key.public])).rejects.toMatchObject(
      refused,
    );
    await expect(verifyInRelease(text, [key.public])).rejects.toMatchObject(refused);
    await expect(verifyInRelease('', [key.public])).rejects.toMatchObject(refused);
    await expect(verifyInRelease(signed.slice(0, -200), [key.public])).rejects.toMatchObject(refused);
  });

  it('rejects a key with the wrong fingerprint', async () => {
    const forged = { ...other.public, fingerprint: key.public.fingerprint };
    await expect(verifyInRelease(await other.sign(text), [forged])).rejects.toMatchObject({
      code: 'INTERNAL',
    });
  });
});

describe('bookwormKeys', () => {
  it('have the fingerprints that Debian publishes', async () => {
    // An unreadable or wrong key would cause a different error code before any signature is checked.
    await expect(verifyInRelease(await key.sign(text), bookwormKeys)).rejects.toMatchObject(refused);
    expect(bookwormKeys.map((one) => one.fingerprint)).toEqual([
      'B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8',
      '4D64FEC119C2029067D6E791F8D2585B8783D481',
    ]);
  });
});

describe('parseRelease', () => {
  it('reads the fields and files', () => {
    const release = parseRelease(text);
    expect(release).toMatchObject({
      codename: 'bookworm',
      version: '12.9',
      byHash: true,
      validUntil: undefined,
    });
    expect(release.date.toISOString()).toBe('2026-07-11T10:16:37.000Z');
    expect([...release.files]).toEqual([['main/binary-arm64/Packages.xz', { sha256: hash, size: 123 }]]);
  });

  it.each([
    ['nothing', ''],
    ['no date', text.replace(/Date:.*\n/, '')],
    ['an invalid date', text.replace(/Date:.*\n/, 'Date: yesterday-ish\n')],
    ['no SHA256 list', text.replace('SHA256:', 'SHA1:')],
    ['a hash that is too short', text.replace(hash, 'abc')],
    ['a size that is not a number', text.replace('123 main', '-5 main')],
    ['a path with blanks', text.replace('main/binary', 'main binary')],
    ['too many lines', text + '\n'.repeat(100_001)],
  ])('refuses a file with %s', (_, bad) => {
    expect(() => parseRelease(bad)).toThrow(expect.objectContaining(refused));
  });
});

describe('checkRelease', () => {
  const release = parseRelease(text);
  const now = new Date('2026-07-12T00:00:00Z');

  it('accepts the right suite at a right time', () => {
    expect(() => checkRelease(release, 'bookworm', now)).not.toThrow();
  });

  it('rejects another suite, a future date, and an expired file', () => {
    expect(() => checkRelease(release, 'trixie', now)).toThrow(/not to trixie/);
    expect(() => checkRelease(release, 'bookworm', new Date('2026-07-01T00:00:00Z'))).toThrow(
      /in the future/,
    );
    const expired = { ...release, validUntil: new Date('2026-07-11T23:00:00Z') };
    expect(() => checkRelease(expired, 'bookworm', now)).toThrow(/valid until/);
  });
});
