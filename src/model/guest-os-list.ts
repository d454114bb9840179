/** The kinds of hardware for new machines; guest-os.ts defines each. */
export type GuestOsProfileName =
  | 'linux'
  | 'linuxServer'
  | 'linuxLarge'
  | 'linuxOld'
  | 'windows'
  | 'windows11'
  | 'windowsArm'
  | 'windowsServer'
  | 'windows7'
  | 'windowsOld'
  | 'solaris'
  | 'freebsdOld'
  | 'freebsd'
  | 'darwin'
  | 'esxi'
  | 'other'
  | 'bios';

/** Id, display name and profile of each guest system. */
export const guestOsRows: readonly (readonly [string, string, GuestOsProfileName])[] = [
  ['arm-ubuntu-64', 'Ubuntu, 64-bit ARM', 'linuxLarge'],
  ['arm-debian-64', 'Debian, 64-bit ARM', 'linux'],
  ['arm-debian12-64', 'Debian 12, 64-bit ARM', 'linux'],
  ['arm-debian13-64', 'Debian 13, 64-bit ARM', 'linux'],
  ['arm-fedora-64', 'Fedora, 64-bit ARM', 'linuxLarge'],
  ['arm-rhel9-64', 'Red Hat Enterprise Linux 9, 64-bit ARM', 'linuxLarge'],
  ['arm-rhel10-64', 'Red Hat Enterprise Linux 10, 64-bit ARM', 'linuxLarge'],
  ['arm-rockylinux-64', 'Rocky Linux, 64-bit ARM', 'linuxLarge'],
  ['arm-almalinux-64', 'AlmaLinux, 64-bit ARM', 'linuxLarge'],
  ['arm-vmware-photon-64', 'VMware Photon OS, 64-bit ARM', 'linuxServer'],
  ['arm-other5xlinux-64', 'Other Linux 5.x kernel, 64-bit ARM', 'linuxServer'],
  ['arm-other6xlinux-64', 'Other Linux 6.x kernel, 64-bit ARM', 'linuxServer'],
  ['arm-other7xlinux-64', 'Other Linux 7.x kernel, 64-bit ARM', 'linuxServer'],
  ['arm-windows10-64', 'Windows 10, 64-bit ARM', 'windowsArm'],
  ['arm-windows11-64', 'Windows 11, 64-bit ARM', 'windowsArm'],
  ['arm-windows12-64', 'Windows 12, 64-bit ARM', 'windowsArm'],
  ['arm-freebsd13-64', 'FreeBSD 13, 64-bit ARM', 'freebsd'],
  ['arm-freebsd14-64', 'FreeBSD 14, 64-bit ARM', 'freebsd'],
  ['arm-freebsd15-64', 'FreeBSD 15, 64-bit ARM', 'freebsd'],
  ['arm-vmkernel7', 'VMware ESXi 7, 64-bit ARM', 'esxi'],
  ['arm-vmkernel8', 'VMware ESXi 8, 64-bit ARM', 'esxi'],
  ['arm-vmkernel9', 'VMware ESXi 9, 64-bit ARM', 'esxi'],
  ['arm-crxpod1-64', 'VMware CRX Pod 1, 64-bit ARM', 'linuxServer'],
  ['arm-other-64', 'Other, 64-bit ARM', 'other'],

  ['ubuntu', 'Ubuntu', 'linuxOld'],
  ['ubuntu-64', 'Ubuntu, 64-bit', 'linuxLarge'],
  ['debian7-64', 'Debian 7, 64-bit', 'linux'],
  ['debian8-64', 'Debian 8, 64-bit', 'linux'],
  ['debian9-64', 'Debian 9, 64-bit', 'linux'],
  ['debian10-64', 'Debian 10, 64-bit', 'linux'],
  ['debian11-64', 'Debian 11, 64-bit', 'linux'],
  ['debian12-64', 'Debian 12, 64-bit', 'linux'],
  ['debian13-64', 'Debian 13, 64-bit', 'linux'],
  ['fedora-64', 'Fedora, 64-bit', 'linuxLarge'],
  ['rhel7-64', 'Red Hat Enterprise Linux 7, 64-bit', 'linux'],
  ['rhel8-64', 'Red Hat Enterprise Linux 8, 64-bit', 'linuxLarge'],
  ['rhel9-64', 'Red Hat Enterprise Linux 9, 64-bit', 'linuxLarge'],
  ['rhel10-64', 'Red Hat Enterprise Linux 10, 64-bit', 'linuxLarge'],
  ['centos-64', 'CentOS, 64-bit', 'linux'],
  ['centos7-64', 'CentOS 7, 64-bit', 'linux'],
  ['centos8-64', 'CentOS 8, 64-bit', 'linuxLarge'],
  ['centos9-64', 'CentOS 9, 64-bit', 'linuxLarge'],
  ['rockylinux-64', 'Rocky Linux, 64-bit', 'linuxLarge'],
  ['almalinux-64', 'AlmaLinux, 64-bit', 'linuxLarge'],
  ['oraclelinux7-64', 'Oracle Linux 7, 64-bit', 'linux'],
  ['oraclelinux8-64', 'Oracle Linux 8, 64-bit', 'linuxLarge'],
  ['oraclelinux9-64', 'Oracle Linux 9, 64-bit', 'linuxLarge'],
  ['amazonlinux2-64', 'Amazon Linux 2, 64-bit', 'linuxServer'],
  ['amazonlinux3-64', 'Amazon Linux 2023, 64-bit', 'linuxServer'],
  ['opensuse-64', 'openSUSE, 64-bit', 'linuxLarge'],
  ['sles12-64', 'SUSE Linux Enterprise 12, 64-bit', 'linux'],
  ['sles15-64', 'SUSE Linux Enterprise 15, 64-bit', 'linuxLarge'],
  ['vmware-photon-64', 'VMware Photon OS, 64-bit', 'linuxServer'],
  ['otherlinux', 'Other Linux', 'linuxOld'],
  ['otherlinux-64', 'Other Linux, 64-bit', 'linuxServer'],
  ['other26xlinux', 'Other Linux 2.6.x kernel', 'linuxOld'],
  ['other26xlinux-64', 'Other Linux 2.6.x kernel, 64-bit', 'linuxOld'],
  ['other3xlinux-64', 'Other Linux 3.x kernel, 64-bit', 'linuxServer'],
  ['other4xlinux-64', 'Other Linux 4.x kernel, 64-bit', 'linuxServer'],
  ['other5xlinux-64', 'Other Linux 5.x kernel, 64-bit', 'linuxServer'],
  ['other6xlinux-64', 'Other Linux 6.x kernel, 64-bit', 'linuxServer'],
  ['other7xlinux-64', 'Other Linux 7.x kernel, 64-bit', 'linuxServer'],

  ['windows11-64', 'Windows 11, 64-bit', 'windows11'],
  ['windows9-64', 'Windows 10, 64-bit', 'windows'],
  ['windows9', 'Windows 10', 'windows7'],
  ['windows8-64', 'Windows 8, 64-bit', 'windows'],
  ['windows7-64', 'Windows 7, 64-bit', 'windows7'],
  ['windows7', 'Windows 7', 'windows7'],
  ['winvista-64', 'Windows Vista, 64-bit', 'windows7'],
  ['winvista', 'Windows Vista', 'windows7'],
  ['winxppro-64', 'Windows XP Professional, 64-bit', 'windowsOld'],
  ['winxppro', 'Windows XP Professional', 'windowsOld'],
  ['winxphome', 'Windows XP Home', 'windowsOld'],
  ['win2000pro', 'Windows 2000 Professional', 'windowsOld'],
  ['win98', 'Windows 98', 'windowsOld'],
  ['win95', 'Windows 95', 'windowsOld'],
  ['windows2022srvnext-64', 'Windows Server 2025, 64-bit', 'windowsServer'],
  ['windows2019srvnext-64', 'Windows Server 2022, 64-bit', 'windowsServer'],
  ['windows2019srv-64', 'Windows Server 2019, 64-bit', 'windowsServer'],
  ['windows9srv-64', 'Windows Server 2016, 64-bit', 'windowsServer'],
  ['windows8srv-64', 'Windows Server 2012, 64-bit', 'windowsServer'],
  ['windows7srv-64', 'Windows Server 2008 R2, 64-bit', 'windows7'],
  ['winnetstandard-64', 'Windows Server 2003, 64-bit', 'windowsOld'],
  ['winnetstandard', 'Windows Server 2003', 'windowsOld'],

  ['freebsd', 'FreeBSD', 'freebsdOld'],
  ['freebsd-64', 'FreeBSD, 64-bit', 'freebsd'],
  ['freebsd12-64', 'FreeBSD 12, 64-bit', 'freebsd'],
  ['freebsd13-64', 'FreeBSD 13, 64-bit', 'freebsd'],
  ['freebsd14-64', 'FreeBSD 14, 64-bit', 'freebsd'],
  ['freebsd15-64', 'FreeBSD 15, 64-bit', 'freebsd'],
  ['darwin20-64', 'macOS 11, 64-bit', 'darwin'],
  ['darwin21-64', 'macOS 12, 64-bit', 'darwin'],
  ['darwin22-64', 'macOS 13, 64-bit', 'darwin'],
  ['darwin23-64', 'macOS 14, 64-bit', 'darwin'],
  ['solaris11-64', 'Oracle Solaris 11, 64-bit', 'solaris'],
  ['vmkernel6', 'VMware ESXi 6', 'esxi'],
  ['vmkernel7', 'VMware ESXi 7', 'esxi'],
  ['vmkernel8', 'VMware ESXi 8', 'esxi'],
  ['vmkernel9', 'VMware ESXi 9', 'esxi'],
  ['dos', 'MS-DOS', 'bios'],
  ['other', 'Other', 'bios'],
  ['other-64', 'Other, 64-bit', 'other'],
];
