import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { someFirmware } from '../../../test/support/plan-inputs.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { parseDescriptor } from './descriptor.ts';
import { firmwareDirectories, loadFirmware } from './load.ts';
import { globMatches, pickFirmware, type FirmwareWish } from './pick.ts';

const directory = useTemporaryDirectory();

function descriptorJson(code: string, changes: object = {}): string {
  return JSON.stringify({
    description: 'UEFI',
    'interface-types': ['uefi'],
    mapping: {
      device: 'flash',
      executable: { filename: code, format: 'raw' },
      'nvram-template': { filename: code, format: 'raw' },
    },
    targets: [{ architecture: 'aarch64', machines: ['virt-*'] }],
    features: ['verbose-static'],
    tags: [],
    ...changes,
  });
}

const wish: FirmwareWish = { arch: 'aarch64', machineType: 'virt-7.2', secureBoot: false, smmPossible: true };

describe('a firmware descriptor', () => {
  it('is read', () => {
    expect(parseDescriptor('/f.json', descriptorJson('/code.fd'))).toEqual({
      file: '/f.json',
      description: 'UEFI',
      targets: [{ architecture: 'aarch64', machines: ['virt-*'] }],
      features: ['verbose-static'],
      flash: {
        executable: { filename: '/code.fd', format: 'raw' },
        nvramTemplate: { filename: '/code.fd', format: 'raw' },
      },
    });
  });

  it.each([
    ['that is not JSON', 'x'],
    ['that is null', 'null'],
    ['that is a list', '[]'],
    ['of a BIOS', descriptorJson('/c', { 'interface-types': ['bios'] })],
    ['for memory', descriptorJson('/c', { mapping: { device: 'memory', filename: '/c' } })],
    [
      'with one flash for all',
      descriptorJson('/c').replace('"device":"flash"', '"device":"flash","mode":"combined"'),
    ],
    ['with a relative path', descriptorJson('code.fd')],
    ['with an unknown format', descriptorJson('/c').replaceAll('"raw"', '"vmdk"')],
    ['with numbers for names', descriptorJson('/c').replaceAll('"/c"', '7')],
  ])('%s is ignored', (_name, json) => {
    expect(parseDescriptor('/f.json', json)).toBeUndefined();
  });

  it('can have any content without harm', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const { mapping } = JSON.parse(descriptorJson('/c')) as { mapping: object };
        const hostile = `{"interface-types":["uefi"],"mapping":${JSON.stringify(mapping)},"targets":${json},"features":${json},"__proto__":{"x":1}}`;
        expect(parseDescriptor('/f.json', hostile)?.flash.executable.filename).toBe('/c');
      }),
    );
    expect(Object.prototype).not.toHaveProperty('x');
  });
});

describe('globMatches', () => {
  it.each([
    ['virt-*', 'virt-7.2', true],
    ['virt-*', 'virt', false],
    ['pc-q35-?.?', 'pc-q35-7.2', true],
    ['*', '', true],
    ['a*b*c', 'axxbyyc', true],
    ['a*b*c', 'axxbyy', false],
    ['virt', 'virt-7.2', false],
  ])('%s and %s: %s', (pattern, name, expected) => {
    expect(globMatches(pattern, name)).toBe(expected);
  });

  it('is not slowed down by a hostile pattern', () => {
    expect(globMatches(`${'*a'.repeat(2000)}b`, 'a'.repeat(4000))).toBe(false);
  });
});

describe('pickFirmware', () => {
  it('chooses one without Secure Boot unless that is requested', () => {
    expect(pickFirmware(someFirmware, wish).file).toContain('60-edk2-aarch64.json');
    expect(pickFirmware(someFirmware, { ...wish, secureBoot: true }).file).toContain('40-edk2-aarch64');
  });

  it('ignores firmware with missing files', () => {
    const broken = someFirmware.map((one) => ({ ...one, missing: '/gone.fd' }));
    expect(() => pickFirmware(broken, wish)).toThrow('60-edk2-aarch64.json: /gone.fd is missing');
  });

  it('names every candidate and why it is not suitable', () => {
    const x86 = { arch: 'x86_64', machineType: 'pc-q35-7.2', secureBoot: true, smmPossible: false } as const;
    expect(() => pickFirmware(someFirmware, x86)).toThrow(
      'No UEFI firmware with Secure Boot for x86_64 was found for the machine type pc-q35-7.2. Not suitable: ' +
        '40-edk2-x86_64-secure-enrolled.json: needs SMM, which this machine cannot have; ' +
        '60-edk2-x86_64.json: no Secure Boot with enrolled keys.',
    );
    expect(() => pickFirmware([], wish)).toThrow('No descriptor was found');
  });
});

describe('loadFirmware', () => {
  it('searches from general to specific directories, including those of the engine', () => {
    const places = { binary: '/opt/homebrew/bin/qemu-system-aarch64', env: {}, home: '/home/ada' };
    expect(firmwareDirectories(places, '/opt/homebrew/Cellar/qemu/10.0/bin/qemu-system-aarch64')).toEqual([
      '/usr/share/qemu/firmware',
      '/usr/local/share/qemu/firmware',
      '/opt/homebrew/share/qemu/firmware',
      '/opt/homebrew/Cellar/qemu/10.0/share/qemu/firmware',
      '/etc/qemu/firmware',
      '/home/ada/.config/qemu/firmware',
    ]);
  });

  it('lets specific files replace and hide general ones, and ignores malformed ones', async () => {
    const root = directory();
    const general = join(root, 'share/qemu/firmware');
    const specific = join(root, 'config/qemu/firmware');
    for (const folder of [general, specific]) mkdirSync(folder, { recursive: true });
    const code = join(root, 'code.fd');
    writeFileSync(code, '');
    writeFileSync(join(general, '10-kq-hidden.json'), descriptorJson(code));
    writeFileSync(join(specific, '10-kq-hidden.json'), '');
    writeFileSync(join(general, '20-kq-replaced.json'), descriptorJson(code, { description: 'old' }));
    writeFileSync(join(specific, '20-kq-replaced.json'), descriptorJson(code, { description: 'new' }));
    writeFileSync(join(general, '30-kq-gone.json'), descriptorJson('/nonexistent/code.fd'));
    writeFileSync(join(general, '40-kq-huge.json'), descriptorJson(code, { tags: ['x'.repeat(100_000)] }));
    const found = await loadFirmware({
      binary: join(root, 'bin/qemu-system-aarch64'),
      env: { XDG_CONFIG_HOME: join(root, 'config') },
      home: '/nonexistent',
    });
    const ours = found.filter((one) => one.file.includes('-kq-'));
    expect(ours.map((one) => [one.description, one.missing])).toEqual([
      ['new', undefined],
      ['UEFI', '/nonexistent/code.fd'],
    ]);
  });
});
