import { expect, it } from 'vitest';
import { guestOsRows } from '../../../src/model/guest-os-list.ts';
import { systemName, systemOf } from './system.ts';

it.each([
  ['arm-debian13-64', 'debian'],
  ['ubuntu-64', 'ubuntu'],
  ['arm-Fedora-64', 'fedora'],
  ['windows11-64', 'windows'],
  ['arm-freebsd14-64', 'freebsd'],
  ['arm-rhel9-64', 'linux'],
  ['other6xlinux-64', 'linux'],
  ['darwin21-64', 'other'],
  ['vmkernel8', 'other'],
  ['', 'other'],
] as const)('marks %s as %s', (id, system) => expect(systemOf(id)).toBe(system));

it('marks every Linux that Kame knows as one', () => {
  const linux = guestOsRows.filter(([, , profile]) => profile.startsWith('linux'));
  expect(linux.filter(([id]) => ['other', 'windows', 'freebsd'].includes(systemOf(id)))).toEqual([]);
});

it('names a system without its architecture', () => {
  expect(systemName('arm-debian13-64')).toBe('Debian 13');
  expect(systemName('mine')).toBe('mine');
});
