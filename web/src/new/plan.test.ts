import { describe, expect, it } from 'vitest';
import type { Image } from '../../../src/api/generated/shapes.ts';
import { freeName } from '../machine/free-name.ts';
import { defaultsOf, emptyForm, planOf, stemOf, type Source } from './plan.ts';

const image = (more: Partial<Image> = {}): Source => ({
  kind: 'image',
  image: {
    id: 'debian-13',
    name: 'Debian 13 (trixie)',
    arch: 'aarch64',
    source: 'catalogue',
    guestOS: 'arm-debian13-64',
    sizeBytes: null,
    cached: false,
    path: null,
    iso: false,
    problem: null,
    ...more,
  },
});
const iso: Source = { kind: 'iso', path: '/srv/setup.iso', guestOS: 'arm-ubuntu-64' };

describe('a new machine', () => {
  it('has the defaults of its system', () => {
    expect(defaultsOf(image())).toEqual({ cpus: 2, memoryMiB: 2048, diskGiB: 20 });
    expect(defaultsOf(image({ source: 'embedded' })).memoryMiB).toBe(512);
  });

  it('gets a name that nobody has', () => {
    expect(freeName(stemOf(image()), [])).toBe('debian-13');
    expect(freeName(stemOf(image()), ['Debian-13', 'debian-13-2'])).toBe('debian-13-3');
    expect(freeName('../Übung: 1 ', [])).toBe('Übung-1');
    expect(freeName('..', ['machine'])).toBe('machine-2');
  });

  it('asks for what was written, and leaves the rest to the daemon', () => {
    const plan = planOf(image(), {
      ...emptyForm,
      name: ' web ',
      memory: '1 GiB',
      user: 'me',
      sshKey: 'ssh-ed25519 A',
    });
    expect(plan).toEqual({
      request: {
        name: 'web',
        memoryBytes: 1024 ** 3,
        image: 'debian-13',
        arch: 'aarch64',
        user: 'me',
        sshKeys: ['ssh-ed25519 A'],
      },
    });
    expect(planOf(iso, { ...emptyForm, name: 'setup', disk: '64 GiB', user: 'me' })).toEqual({
      request: { name: 'setup', diskBytes: 64 * 1024 ** 3, iso: '/srv/setup.iso', guestOS: 'arm-ubuntu-64' },
    });
  });

  it.each([
    ['name', { name: '../x' }],
    ['name', { name: '' }],
    ['memory', { name: 'a', memory: 'much' }],
    ['disk', { name: 'a', disk: '1 elephant' }],
  ] as const)('says that %s is wrong', (field, form) => {
    expect(planOf(image(), { ...emptyForm, ...form })).toMatchObject({ field });
  });

  it('needs the whole path of an ISO', () => {
    expect(planOf({ ...iso, path: 'setup.iso' }, { ...emptyForm, name: 'a' })).toMatchObject({
      field: 'source',
    });
  });
});
