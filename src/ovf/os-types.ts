import { findGuestOs, guestOsCatalogue } from '../model/guest-os.ts';

/**
 * Numbers of guest systems in `ovf:id` of an OperatingSystemSection (DMTF CIM_OperatingSystem.OSType), and the guest OS ids of a
 * `.vmx` that are nearest. They are older than the systems of today, so VMware adds `vmw:osType`.
 */
export const cimOsTypes: readonly (readonly [cim: number, guestOS: string])[] = [
  [1, 'other'],
  [2, 'darwin'],
  [16, 'win95'],
  [17, 'win98'],
  [18, 'winnt'],
  [29, 'solaris10'],
  [36, 'otherlinux'],
  [42, 'freebsd'],
  [58, 'win2000pro'],
  [63, 'winme'],
  [67, 'winxppro'],
  [69, 'winnetstandard'],
  [70, 'winnetstandard-64'],
  [71, 'winxppro-64'],
  [73, 'winvista'],
  [74, 'winvista-64'],
  [76, 'longhorn'],
  [77, 'longhorn-64'],
  [78, 'freebsd-64'],
  [79, 'rhel6'],
  [80, 'rhel7-64'],
  [81, 'solaris11-64'],
  [82, 'opensuse'],
  [83, 'opensuse-64'],
  [84, 'sles'],
  [85, 'sles-64'],
  [93, 'ubuntu'],
  [94, 'ubuntu-64'],
  [95, 'debian12'],
  [96, 'debian12-64'],
  [97, 'other24xlinux'],
  [98, 'other24xlinux-64'],
  [99, 'other26xlinux'],
  [100, 'other26xlinux-64'],
  [101, 'otherlinux-64'],
  [102, 'other-64'],
  [103, 'windows7srv-64'],
  [104, 'vmkernel6'],
  [105, 'windows7'],
  [106, 'centos'],
  [107, 'centos-64'],
  [108, 'oraclelinux'],
  [109, 'oraclelinux-64'],
  [112, 'windows8srv-64'],
  [113, 'windows8'],
  [114, 'windows8-64'],
  [115, 'windows8srv-64'],
  [116, 'windows9srv-64'],
  [117, 'windows8'],
  [118, 'windows8-64'],
  [119, 'windows9'],
  [120, 'windows9-64'],
];

/**
 * `vmw:osType` is the id of vSphere: `debian12_64Guest` for `debian12-64`, `otherLinux64Guest` for `otherlinux-64`,
 * `windows7Server64Guest` for `windows7srv-64`. Without these differences of spelling both are the same text.
 */
function folded(id: string): string {
  return id
    .toLowerCase()
    .replace(/guest$/u, '')
    .replace('server', 'srv')
    .replace(/guest64$/u, '64')
    .replace(/[^a-z0-9]/gu, '');
}

const byFoldedId = new Map(guestOsCatalogue.map(({ id }) => [folded(id), id]));
const byCim = new Map(cimOsTypes);

/** The guest OS id of a `.vmx` for a `vmw:osType`, or for the number of CIM; undefined if neither is known. */
export function guestOsOf(cim: number, vmwareType: string | undefined): string | undefined {
  if (vmwareType !== undefined) {
    const direct = findGuestOs(vmwareType);
    const known = direct.known ? direct.os.id : byFoldedId.get(folded(vmwareType));
    if (known !== undefined) return known;
  }
  return byCim.get(cim);
}
