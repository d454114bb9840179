import type { HashAlgorithm } from '../net/checksum.ts';

/** One image of a publisher; each row makes one entry per architecture. */
export interface CatalogueRow {
  /** The id for the command line. */
  readonly id: string;
  readonly name: string;
  /** VMware guest OS id, without the prefix `arm-` of ARM guests. */
  readonly guestOS: string;
  /** The user that cloud-init in the image creates by default. */
  readonly user: string;
  /** `{arch}` is replaced by the publisher's name for the architecture, and `{file}` in `sums` by the file name. */
  readonly url: string;
  readonly sums: string;
  readonly algorithm: HashAlgorithm;
  /** `debian`: arm64 and amd64; `kernel`: aarch64 and x86_64. */
  readonly archNames: 'debian' | 'kernel';
  /** Approximate size of the download, in MiB. */
  readonly mebibytes: number;
}

/** Debian's `generic` rather than `genericcloud`: its kernel has drivers for AHCI, NVMe and graphics. */
const debianCloud = 'https://cloud.debian.org/images/cloud';
const ubuntuCloud = 'https://cloud-images.ubuntu.com/releases';
const fedora = 'https://download.fedoraproject.org/pub/fedora/linux/releases';
const alpine = 'https://dl-cdn.alpinelinux.org/alpine';
const rocky = 'https://dl.rockylinux.org/pub/rocky';
const alma = 'https://repo.almalinux.org/almalinux';
const opensuse = 'https://download.opensuse.org/distribution/leap';

/** Stable URLs: `latest` and `release` change with each build, and so do their checksum files. */
export const catalogueRows: readonly CatalogueRow[] = [
  {
    id: 'debian-13',
    name: 'Debian 13 (trixie)',
    guestOS: 'debian13-64',
    user: 'debian',
    url: `${debianCloud}/trixie/latest/debian-13-generic-{arch}.qcow2`,
    sums: `${debianCloud}/trixie/latest/SHA512SUMS`,
    algorithm: 'sha512',
    archNames: 'debian',
    mebibytes: 410,
  },
  {
    id: 'debian-12',
    name: 'Debian 12 (bookworm)',
    guestOS: 'debian12-64',
    user: 'debian',
    url: `${debianCloud}/bookworm/latest/debian-12-generic-{arch}.qcow2`,
    sums: `${debianCloud}/bookworm/latest/SHA512SUMS`,
    algorithm: 'sha512',
    archNames: 'debian',
    mebibytes: 420,
  },
  {
    id: 'ubuntu-26.04',
    name: 'Ubuntu 26.04 LTS',
    guestOS: 'ubuntu-64',
    user: 'ubuntu',
    url: `${ubuntuCloud}/resolute/release/ubuntu-26.04-server-cloudimg-{arch}.img`,
    sums: `${ubuntuCloud}/resolute/release/SHA256SUMS`,
    algorithm: 'sha256',
    archNames: 'debian',
    mebibytes: 700,
  },
  {
    id: 'ubuntu-24.04',
    name: 'Ubuntu 24.04 LTS',
    guestOS: 'ubuntu-64',
    user: 'ubuntu',
    url: `${ubuntuCloud}/noble/release/ubuntu-24.04-server-cloudimg-{arch}.img`,
    sums: `${ubuntuCloud}/noble/release/SHA256SUMS`,
    algorithm: 'sha256',
    archNames: 'debian',
    mebibytes: 600,
  },
  {
    id: 'fedora-44',
    name: 'Fedora 44',
    guestOS: 'fedora-64',
    user: 'fedora',
    url: `${fedora}/44/Cloud/{arch}/images/Fedora-Cloud-Base-Generic-44-1.7.{arch}.qcow2`,
    sums: `${fedora}/44/Cloud/{arch}/images/Fedora-Cloud-44-1.7-{arch}-CHECKSUM`,
    algorithm: 'sha256',
    archNames: 'kernel',
    mebibytes: 560,
  },
  {
    id: 'alpine-3.24',
    name: 'Alpine Linux 3.24',
    guestOS: 'other6xlinux-64',
    user: 'alpine',
    url: `${alpine}/v3.24/releases/cloud/generic_alpine-3.24.1-{arch}-uefi-cloudinit-r0.qcow2`,
    sums: `${alpine}/v3.24/releases/cloud/{file}.sha512`,
    algorithm: 'sha512',
    archNames: 'kernel',
    mebibytes: 220,
  },
  {
    id: 'rocky-10',
    name: 'Rocky Linux 10',
    guestOS: 'rockylinux-64',
    user: 'rocky',
    url: `${rocky}/10/images/{arch}/Rocky-10-GenericCloud-Base.latest.{arch}.qcow2`,
    sums: `${rocky}/10/images/{arch}/{file}.CHECKSUM`,
    algorithm: 'sha256',
    archNames: 'kernel',
    mebibytes: 550,
  },
  {
    id: 'rocky-9',
    name: 'Rocky Linux 9',
    guestOS: 'rockylinux-64',
    user: 'rocky',
    url: `${rocky}/9/images/{arch}/Rocky-9-GenericCloud-Base.latest.{arch}.qcow2`,
    sums: `${rocky}/9/images/{arch}/{file}.CHECKSUM`,
    algorithm: 'sha256',
    archNames: 'kernel',
    mebibytes: 600,
  },
  {
    id: 'almalinux-10',
    name: 'AlmaLinux 10',
    guestOS: 'almalinux-64',
    user: 'almalinux',
    url: `${alma}/10/cloud/{arch}/images/AlmaLinux-10-GenericCloud-latest.{arch}.qcow2`,
    sums: `${alma}/10/cloud/{arch}/images/CHECKSUM`,
    algorithm: 'sha256',
    archNames: 'kernel',
    mebibytes: 480,
  },
  {
    id: 'almalinux-9',
    name: 'AlmaLinux 9',
    guestOS: 'almalinux-64',
    user: 'almalinux',
    url: `${alma}/9/cloud/{arch}/images/AlmaLinux-9-GenericCloud-latest.{arch}.qcow2`,
    sums: `${alma}/9/cloud/{arch}/images/CHECKSUM`,
    algorithm: 'sha256',
    archNames: 'kernel',
    mebibytes: 560,
  },
  {
    id: 'opensuse-16.0',
    name: 'openSUSE Leap 16.0',
    guestOS: 'opensuse-64',
    user: 'opensuse',
    url: `${opensuse}/16.0/appliances/Leap-16.0-Minimal-VM.{arch}-Cloud.qcow2`,
    sums: `${opensuse}/16.0/appliances/{file}.sha256`,
    algorithm: 'sha256',
    archNames: 'kernel',
    mebibytes: 350,
  },
];
