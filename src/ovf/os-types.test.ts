import { describe, expect, it } from 'vitest';
import { findGuestOs } from '../model/guest-os.ts';
import { cimOsTypes, guestOsOf } from './os-types.ts';

describe('the guest system of an OVF', () => {
  it.each([
    ['ubuntu64Guest', 'ubuntu-64'],
    ['debian12_64Guest', 'debian12-64'],
    ['other26xLinux64Guest', 'other26xlinux-64'],
    ['windows7Server64Guest', 'windows7srv-64'],
    ['windows2019srv_64Guest', 'windows2019srv-64'],
    ['winNetEnterpriseGuest', 'winnetenterprise'],
    ['otherGuest64', 'other-64'],
    ['arm-ubuntu-64', 'arm-ubuntu-64'],
    ['armDebian12_64Guest', 'arm-debian12-64'],
    ['vmwarePhoton64Guest', 'vmware-photon-64'],
  ])('%s is %s', (vmware, id) => expect(guestOsOf(1, vmware)).toBe(id));

  it('is that of the number if VMware’s id is missing or unknown', () => {
    expect(guestOsOf(94, undefined)).toBe('ubuntu-64');
    expect(guestOsOf(94, 'templeOsGuest')).toBe('ubuntu-64');
    expect(guestOsOf(4711, undefined)).toBeUndefined();
  });

  it('is one that the catalogue has, for every number', () => {
    for (const [, id] of cimOsTypes) expect([id, findGuestOs(id).known]).toEqual([id, true]);
  });
});
