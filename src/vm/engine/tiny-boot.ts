import type { Progress } from '../../core/progress.ts';
import type { Arch } from '../../model/machine.ts';
import type { Host } from '../host/host.ts';

/** The image of a machine that is created without --image. */
export const defaultImage = 'tiny';

export interface DirectBootFiles {
  readonly kernel: string;
  readonly initrd: string;
  readonly commandLine: string;
}

/** Kernel and initrd of the embedded image, built from Debian's packages on first use. */
export async function tinyBoot(host: Host, arch: Arch, progress: Progress): Promise<DirectBootFiles> {
  const { directBoot } = await host.images.resolve(defaultImage, { arch, env: host.env }, progress);
  if (!directBoot) throw new Error('The embedded image has no kernel of its own.');
  return directBoot;
}
