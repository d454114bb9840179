import type { Arch } from '../../model/machine.ts';
import { hasDevice, type Capabilities } from '../capabilities/capabilities.ts';

/** The display that renders in 3D, for each architecture: PCs need one that also is a VGA adapter, for their firmware. */
export const displays3d: Readonly<Record<Arch, string>> = {
  aarch64: 'virtio-gpu-gl-pci',
  x86_64: 'virtio-vga-gl',
};
/** What both consist of. Distributions that ship QEMU in parts have it in a package of its own. */
const core3d = 'virtio-gpu-gl-device';

export interface OfferFacts {
  readonly os: 'linux' | 'darwin';
  readonly capabilities: Pick<Capabilities, 'arch' | 'devices'>;
}

/** Why a guest cannot have 3D on this host, whatever its renderer can do, as a whole sentence; undefined if it may be possible. */
export function objectionTo3d({ os, capabilities }: OfferFacts): string | undefined {
  // Without a window, QEMU renders by EGL on a device of the Linux kernel (ui/egl-headless.c).
  if (os !== 'linux') return 'QEMU renders in 3D without a window only on Linux.';
  const display = displays3d[capabilities.arch];
  if (hasDevice(capabilities, display) && hasDevice(capabilities, core3d)) return undefined;
  return `This QEMU has no ${hasDevice(capabilities, display) ? core3d : display}, which Debian 12 has in its package qemu-system-gui, and Debian 13 and Ubuntu 24.04 in qemu-system-modules-opengl. After it was installed, kame doctor --fresh finds it.`;
}
