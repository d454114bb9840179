import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyText } from '../../../test/support/any-text.ts';
import { assetText } from '../../sys/assets.ts';
import { makeIso } from './iso9660.ts';
import { makeSeedIso, seedFiles, yamlSafeJson, type SeedOptions } from './seed.ts';

const date = new Date('2026-03-01T12:34:56Z');
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHbF me@host';
const options: SeedOptions = {
  instanceId: 'kame-1234',
  hostname: 'tortoise',
  user: 'debian',
  imageUser: 'debian',
  sshKeys: [key],
  installAgent: true,
};

/** Reads an image back according to the standard: its label, and the files in the root of one of its two trees. */
function readIso(image: Buffer, joliet: boolean): { label: string; files: Map<string, string> } {
  const at = (joliet ? 17 : 16) * 2048;
  const text = (bytes: Buffer): string =>
    (joliet ? Buffer.from(bytes).swap16().toString('utf16le') : bytes.toString('latin1')).trimEnd();
  expect(image.toString('latin1', at + 1, at + 6)).toBe('CD001');
  expect(image[at]).toBe(joliet ? 2 : 1);
  expect(image.readUInt32LE(at + 80) * 2048).toBe(image.length);
  const [start, size] = [image.readUInt32LE(at + 158) * 2048, image.readUInt32BE(at + 170)];
  expect(image.readUInt32LE(image.readUInt32LE(at + 140) * 2048 + 2) * 2048).toBe(start);
  expect(image.readUInt32BE(image.readUInt32BE(at + 148) * 2048 + 2) * 2048).toBe(start);
  const files = new Map<string, string>();
  for (let place = start; place < start + size;) {
    const length = image[place] ?? 0;
    if (length === 0) {
      place = Math.ceil((place + 1) / 2048) * 2048;
      continue;
    }
    const name = image.subarray(place + 33, place + 33 + (image[place + 32] ?? 0));
    const [from, bytes] = [image.readUInt32LE(place + 2) * 2048, image.readUInt32LE(place + 10)];
    if (name.length > 1) files.set(text(name), image.toString('utf8', from, from + bytes));
    place += length;
  }
  return { label: text(image.subarray(at + 40, at + 72)), files };
}

describe('a seed image', () => {
  it('has cloud-init’s label and files in both trees', () => {
    const image = makeSeedIso({ ...options, networkConfig: { version: 2 } }, date);
    const joliet = readIso(image, true);
    expect(joliet.label).toBe('cidata');
    expect([...joliet.files.keys()]).toEqual(['meta-data;1', 'network-config;1', 'user-data;1']);
    expect(joliet.files.get('meta-data;1')).toContain('"instance-id": "kame-1234"');
    const plain = readIso(image, false);
    expect(plain.label).toBe('cidata');
    expect([...plain.files.keys()]).toEqual(['META_DATA.;1', 'NETWORK_CONFIG.;1', 'USER_DATA.;1']);
    expect([...plain.files.values()]).toEqual([...joliet.files.values()]);
    expect(image.equals(makeSeedIso({ ...options, networkConfig: { version: 2 } }, date))).toBe(true);
  });

  it('holds many and large files', () => {
    const files = Array.from({ length: 100 }, (_, index) => ({
      name: `file-${index}.txt`,
      data: Buffer.from(`${index} `.repeat(index * 37)),
    }));
    const read = readIso(makeIso({ label: 'x', files, date }), true).files;
    expect(read.size).toBe(100);
    for (const { name, data } of files) expect(read.get(`${name};1`)).toBe(data.toString());
  });

  it.each([['../x'], [''], ['a/b'], ['x'.repeat(61)], ['a\0']])('refuses a file named %j', (name) => {
    expect(() => makeIso({ label: 'x', files: [{ name, data: Buffer.alloc(0) }], date })).toThrow(/name/);
  });

  it('refuses names that are the same in ISO 9660', () => {
    const files = ['a-b', 'a_b'].map((name) => ({ name, data: Buffer.alloc(0) }));
    expect(() => makeIso({ label: 'x', files, date })).toThrow(/same/);
  });
});

describe('user-data', () => {
  it('keeps the user of the image, with the keys', () => {
    const text = String(seedFiles(options).get('user-data'));
    expect(text.startsWith('#cloud-config\n{')).toBe(true);
    const data = JSON.parse(text.slice('#cloud-config\n'.length)) as Record<string, unknown>;
    expect(data).toMatchObject({
      hostname: 'tortoise',
      users: ['default'],
      ssh_authorized_keys: [key],
      ssh_pwauth: false,
    });
    expect(data['packages']).toEqual(['qemu-guest-agent']);
  });

  it('makes another user with keys and rights', () => {
    const text = String(seedFiles({ ...options, user: 'kame', installAgent: false }).get('user-data'));
    const data = JSON.parse(text.slice('#cloud-config\n'.length)) as Record<string, unknown>;
    expect(data['users']).toEqual([
      { name: 'kame', lock_passwd: true, sudo: 'ALL=(ALL) NOPASSWD:ALL', ssh_authorized_keys: [key] },
    ]);
    expect(data['packages']).toBeUndefined();
  });

  it('brings kame-tools along, and what installs them', () => {
    const program = Buffer.from('a program');
    const files = seedFiles({ ...options, tools: { arch: 'aarch64', program } });
    expect(files.get('kame-tools')).toBe(program);
    expect(files.get('install-tools.sh')).toBe(assetText('guest/install/tools.sh'));
    const text = String(files.get('user-data'));
    const { runcmd } = JSON.parse(text.slice('#cloud-config\n'.length)) as { runcmd: unknown[] };
    expect(runcmd).toEqual([
      ['sh', '-c', assetText('guest/seed/install-tools.sh'), 'sh', 'aarch64'],
      assetText('guest/seed/start-agent.sh'),
    ]);
    const image = makeSeedIso({ ...options, tools: { arch: 'aarch64', program } }, date);
    expect(readIso(image, true).files.get('kame-tools;1')).toBe('a program');
  });

  it.each([
    [{ hostname: 'a b' }],
    [{ hostname: '-a' }],
    [{ hostname: 'x'.repeat(64) }],
    [{ user: 'root; rm' }],
    [{ user: '' }],
    [{ instanceId: 'a\nb' }],
    [{ sshKeys: ['ssh-ed25519 AAAA\nruncmd: [reboot]'] }],
    [{ sshKeys: ['hello'] }],
  ])('refuses %j', (change) => {
    expect(() => seedFiles({ ...options, ...change })).toThrow(/is not a valid/);
  });

  it('has no character that YAML 1.1 reads differently than JSON', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        const json = yamlSafeJson({ text });
        expect(JSON.parse(json)).toEqual({ text });
        expect(json).not.toMatch(/[\u007f-\u00a0\u2028\u2029\ufeff]/u);
      }),
    );
  });
});
