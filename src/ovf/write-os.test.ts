import { describe, expect, it } from 'vitest';
import { guestOsCatalogue } from '../model/guest-os.ts';
import { guestOsOf } from './os-types.ts';
import { cimOsType, vmwareOsType } from './write-os.ts';

describe('the guest system in a new OVF', () => {
  it.each([
    ['ubuntu-64', 'ubuntu64Guest', 94],
    ['debian12-64', 'debian12_64Guest', 96],
    ['debian13', 'debian13Guest', 95],
    ['rhel9-64', 'rhel9_64Guest', 80],
    ['other6xlinux-64', 'other6xLinux64Guest', 101],
    ['windows9-64', 'windows9_64Guest', 120],
    ['windows7srv-64', 'windows7Server64Guest', 103],
    ['windows2019srv-64', 'windows2019srv_64Guest', 120],
    ['winnetstandard', 'winNetStandardGuest', 69],
    ['almalinux-64', 'almalinux_64Guest', 101],
    ['vmware-photon-64', 'vmwarePhoton64Guest', 101],
    ['freebsd14-64', 'freebsd14_64Guest', 78],
    ['other-64', 'otherGuest64', 102],
    ['arm-debian12-64', 'arm-debian12-64', 96],
  ])('%s is %s for vSphere and %i for CIM', (id, vmware, cim) => {
    expect([vmwareOsType(id), cimOsType(id)]).toEqual([vmware, cim]);
  });

  it('is read back as the same, for every one of the catalogue', () => {
    for (const { id } of guestOsCatalogue) expect(guestOsOf(cimOsType(id), vmwareOsType(id))).toBe(id);
  });
});
