import { describe, expect, it } from 'vitest';
import { findGuestOs, guestOsCatalogue, unnamedDevices, type GuestOs } from './guest-os.ts';

describe('the guest OS catalogue', () => {
  it('has each id once, as VMware spells it, with a name', () => {
    const ids = guestOsCatalogue.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !/^[a-z0-9-]+$/.test(id))).toEqual([]);
    expect(guestOsCatalogue.filter(({ name }) => name === '')).toEqual([]);
  });

  it('gives ARM guests UEFI, and no device that only a PC has', () => {
    for (const os of guestOsCatalogue.filter(({ arch }) => arch === 'aarch64')) {
      expect(os.firmware).toBe('efi');
      expect(os.input).not.toBe('ps2');
      expect(os.disk.bus).not.toBe('ide');
    }
  });

  it('gives 64-bit Linux virtio', () => {
    for (const id of ['arm-ubuntu-64', 'debian12-64', 'arm-other6xlinux-64', 'rhel9-64']) {
      expect(findGuestOs(id)).toMatchObject({
        known: true,
        os: { disk: { model: 'virtio-blk' }, nic: 'virtio-net' },
      });
    }
  });

  it.each(['windows', 'freebsd', 'other'])('assigns to the family %s the systems with its name', (family) => {
    const named =
      family === 'other'
        ? /^(Other(?! Linux)|MS-DOS|(Oracle )?Solaris|NetWare|OS\/2|eComStation|SCO )/
        : new RegExp(`^${family}`, 'i');
    const idsOf = (systems: readonly GuestOs[]) => systems.map(({ id }) => id);
    expect(idsOf(guestOsCatalogue.filter((os) => os.family === family))).toEqual(
      idsOf(guestOsCatalogue.filter(({ name }) => named.test(name))),
    );
  });

  it.each([
    'rhel5',
    'rhel5-64',
    'debian4',
    'debian12',
    'opensuse',
    'sles11-64',
    'fedora',
    'centos6',
    'oraclelinux6-64',
    'other24xlinux',
    'winNT',
    'longhorn-64',
    'winNetEnterprise',
    'winServer2008StandardCore-32',
    'winVistaUltimate-64',
    'nt4',
    'freeBSD11',
    'solaris10-64',
    'darwin17-64',
    'netware6',
    'eComStation',
    'vmkernel65',
    'CRXPod1-64',
  ])('knows %s, which VMware’s products write', (id) => {
    expect(findGuestOs(id).known).toBe(true);
  });

  it.each([
    ['winxppro', 'vlance', 'buslogic'],
    ['winServer2008Web-32', 'vlance', 'buslogic'],
    ['debian10', 'vlance', 'buslogic'],
    ['other', 'vlance', 'buslogic'],
    ['haiku', 'vlance', 'buslogic'],
    ['winxppro-64', 'e1000', 'lsilogic'],
    ['other-64', 'e1000', 'lsilogic'],
    ['vmkernel5', 'e1000', 'lsilogic'],
    ['darwin10', 'e1000', 'lsilogic'],
    ['arm-ubuntu-64', 'e1000e', 'lsilogic'],
  ])('assumes for %s the devices that VMware assumes: %s and %s', (id, nic, scsi) => {
    expect(unnamedDevices(id)).toEqual({ nic, scsi });
  });

  it('gives new machines of old systems an adapter for which they have a driver', () => {
    const nics = ['winxppro', 'win98', 'dos', 'os2', 'winxppro-64', 'windows7'].map(
      (id) => findGuestOs(id).os.nic,
    );
    expect(nics).toEqual(['vlance', 'vlance', 'vlance', 'vlance', 'e1000', 'e1000']);
  });

  it('ignores the case of ids', () => {
    expect(findGuestOs('ARM-Windows11-64')).toMatchObject({
      known: true,
      os: { id: 'arm-windows11-64', tpm: true },
    });
  });

  it.each([
    ['arm-windows99-64', 'aarch64', 'windows'],
    ['arm-freebsd16-64', 'aarch64', 'freebsd'],
    ['arm-templeos-64', 'aarch64', 'other'],
    ['arm-', 'aarch64', 'other'],
    ['windows99-64', 'x86_64', 'windows'],
    ['darwin99-64', 'x86_64', 'darwin'],
    ['vmkernel10', 'x86_64', 'esxi'],
    ['debian99-64', 'x86_64', 'linux'],
    ['beos', 'x86_64', 'other'],
    ['plan9-64', 'x86_64', 'other'],
    ['__proto__', 'x86_64', 'other'],
    ['', 'x86_64', 'other'],
  ])('guesses that the unknown %j is %s, %s', (id, arch, family) => {
    expect(findGuestOs(id)).toMatchObject({ known: false, os: { id, arch, family } });
  });
});
