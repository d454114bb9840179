import { spawnSync } from 'node:child_process';
import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { hostKeyTypes, makeHostKey, type HostKey } from './host-keys.ts';
import { privateKeyText, publicBlob, sshInteger, sshString } from './openssh.ts';

const directory = useTemporaryDirectory();

/** Reads fields of the SSH wire format; anything left over or missing is an error. */
class Reader {
  #rest: Buffer;

  constructor(data: Buffer) {
    this.#rest = data;
  }

  take(count: number): Buffer {
    if (count > this.#rest.length) throw new Error(`${count} bytes are wanted, ${this.#rest.length} left`);
    const part = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return part;
  }

  string(): Buffer {
    return this.take(this.take(4).readUInt32BE());
  }

  text(): string {
    return this.string().toString('latin1');
  }

  rest(): Buffer {
    return this.take(this.#rest.length);
  }
}

interface Decoded {
  readonly algorithm: string;
  readonly publicBlob: Buffer;
  readonly fields: Buffer[];
  readonly comment: string;
}

/** As strict as PROTOCOL.key: one key, no cipher, the right checks and padding, nothing behind. */
function decode(text: string, fieldCount: number): Decoded {
  const lines = text.split('\n');
  expect(lines.at(0)).toBe('-----BEGIN OPENSSH PRIVATE KEY-----');
  expect(lines.slice(-2)).toEqual(['-----END OPENSSH PRIVATE KEY-----', '']);
  const body = lines.slice(1, -2);
  expect(body.slice(0, -1).every((line) => line.length === 70)).toBe(true);
  const outer = new Reader(Buffer.from(body.join(''), 'base64'));
  expect(outer.take(15).toString('latin1')).toBe('openssh-key-v1\0');
  expect([outer.text(), outer.text(), outer.text()]).toEqual(['none', 'none', '']);
  expect(outer.take(4).readUInt32BE()).toBe(1);
  const blob = outer.string();
  const secret = outer.string();
  expect(outer.rest()).toHaveLength(0);
  expect(secret.length % 8).toBe(0);
  const inner = new Reader(secret);
  expect(inner.take(4)).toEqual(inner.take(4));
  const algorithm = inner.text();
  const fields = Array.from({ length: fieldCount }, () => inner.string());
  const comment = inner.text();
  const padding = [...inner.rest()];
  expect(padding).toEqual(padding.map((_, index) => index + 1));
  expect(padding.length).toBeLessThan(8);
  return { algorithm, publicBlob: blob, fields, comment };
}

/** The bytes of an integer without the sign's zero; a negative or padded one is an error. */
function magnitude(field: Buffer | undefined): Buffer {
  if (!field || field.length === 0) throw new Error('no integer');
  if ((field[0] ?? 0) >= 0x80) throw new Error('negative');
  if (field[0] !== 0) return field;
  if ((field[1] ?? 0) < 0x80) throw new Error('a zero too many');
  return field.subarray(1);
}

function base64url(data: Buffer): string {
  return data.toString('base64url');
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`Not so: ${what}`);
}

/** Private key of the decoded fields, and public key of the public line alone. */
function cryptoKeys(key: HostKey): { secret: KeyObject; open: KeyObject } {
  const line = new Reader(Buffer.from(key.publicKey.split(' ')[1] ?? '', 'base64'));
  expect(line.text()).toBe(key.publicKey.split(' ')[0]);
  if (key.type === 'ed25519') {
    const [point = Buffer.alloc(0), both = Buffer.alloc(0)] = decode(key.privateKey, 2).fields;
    must(both.subarray(32).equals(point), 'the public key follows the seed');
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: base64url(line.string()) };
    const secret = { ...jwk, d: base64url(both.subarray(0, 32)) };
    return {
      secret: createPrivateKey({ key: secret, format: 'jwk' }),
      open: createPublicKey({ key: jwk, format: 'jwk' }),
    };
  }
  if (key.type === 'ecdsa') {
    const [curve, , d] = decode(key.privateKey, 3).fields;
    must(curve?.toString() === 'nistp256' && line.text() === 'nistp256', 'the curve');
    const point = line.string();
    must(point[0] === 4 && point.length === 65, 'a whole point');
    const jwk = {
      kty: 'EC',
      crv: 'P-256',
      x: base64url(point.subarray(1, 33)),
      y: base64url(point.subarray(33)),
    };
    const padded = Buffer.concat([Buffer.alloc(32), magnitude(d)]).subarray(-32);
    return {
      secret: createPrivateKey({ key: { ...jwk, d: base64url(padded) }, format: 'jwk' }),
      open: createPublicKey({ key: jwk, format: 'jwk' }),
    };
  }
  const [n, e, d, qi, p, q] = decode(key.privateKey, 6).fields.map((field) => magnitude(field));
  const big = (value: Buffer | undefined): bigint => BigInt(`0x${value?.toString('hex') ?? ''}`);
  const bytes = (value: bigint): string => {
    const hex = value.toString(16);
    return base64url(Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex'));
  };
  expect(big(p) * big(q)).toBe(big(n));
  expect((big(qi) * big(q)) % big(p)).toBe(1n);
  const open = { kty: 'RSA', e: base64url(magnitude(line.string())), n: base64url(magnitude(line.string())) };
  expect(open).toMatchObject({ e: bytes(big(e)), n: bytes(big(n)) });
  const secret = {
    ...open,
    d: bytes(big(d)),
    p: bytes(big(p)),
    q: bytes(big(q)),
    dp: bytes(big(d) % (big(p) - 1n)),
    dq: bytes(big(d) % (big(q) - 1n)),
    qi: bytes(big(qi)),
  };
  return {
    secret: createPrivateKey({ key: secret, format: 'jwk' }),
    open: createPublicKey({ key: open, format: 'jwk' }),
  };
}

const hasSshKeygen = spawnSync('ssh-keygen', ['-?']).error === undefined;

/** What OpenSSH itself says to a key file. */
function sshKeygen(...args: string[]): string {
  const { stdout, stderr, status } = spawnSync('ssh-keygen', args, { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trim();
}

describe('a host key', () => {
  for (const type of hostKeyTypes) {
    it(`of kind ${type} is what OpenSSH reads: our strict reader, real signatures, ssh-keygen where there is one`, async () => {
      const key = await makeHostKey(type, 'root@web-1');
      const { secret, open } = cryptoKeys(key);
      const digest = type === 'ed25519' ? null : 'sha256';
      const message = Buffer.from('a session');
      expect(verify(digest, message, open, sign(digest, message, secret))).toBe(true);
      const decoded = decode(key.privateKey, { ed25519: 2, ecdsa: 3, rsa: 6 }[type]);
      expect(decoded.comment).toBe('root@web-1');
      expect(key.publicKey).toBe(`${decoded.algorithm} ${decoded.publicBlob.toString('base64')} root@web-1`);
      const hash = createHash('sha256').update(decoded.publicBlob).digest('base64');
      expect(key.fingerprint).toBe(`SHA256:${hash.replaceAll('=', '')}`);
      expect(open.asymmetricKeyDetails?.modulusLength).toBe(type === 'rsa' ? 3072 : undefined);
      if (!hasSshKeygen) return;
      const file = join(directory(), 'key');
      writeFileSync(file, key.privateKey, { mode: 0o600 });
      expect(sshKeygen('-y', '-f', file)).toBe(key.publicKey);
      expect(sshKeygen('-l', '-f', file).split(' ')).toContain(key.fingerprint);
    });
  }

  it('is different each time', async () => {
    const made = await Promise.all([1, 2, 3].map(async () => await makeHostKey('ed25519', 'x')));
    expect(new Set(made.map(({ fingerprint }) => fingerprint)).size).toBe(3);
  });
});

describe('the wire format', () => {
  it('keeps every string and every integer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (data) => {
        expect(new Reader(sshString(data)).string()).toEqual(Buffer.from(data));
        const number = BigInt(`0x0${Buffer.from(data).toString('hex')}`);
        const field = new Reader(sshInteger(data)).string();
        expect(BigInt(`0x0${field.toString('hex')}`)).toBe(number);
        expect((field[0] ?? 0) < 0x80).toBe(true);
        must(field[0] !== 0 || (field[1] ?? 0) >= 0x80, 'as short as can be');
      }),
    );
  });

  it('pads private keys of any length to whole blocks', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.stringMatching(/^[ -~]{0,40}$/), (data, comment) => {
        const key = {
          algorithm: 'x',
          publicFields: [sshString('p')],
          privateFields: [sshString(data)],
          comment,
        };
        const decoded = decode(privateKeyText(key, Buffer.from('abcd')), 1);
        expect(decoded).toEqual({
          algorithm: 'x',
          publicBlob: publicBlob(key),
          fields: [Buffer.from(data)],
          comment,
        });
      }),
    );
  });
});
