import { dirname } from 'node:path';
import type { CreateMachine } from '../../api/machine.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { probeImage } from '../../disk/probe.ts';
import type { ImageSource } from '../../image/cache.ts';
import type { Arch } from '../../model/machine.ts';
import { allocatedBytes } from '../../sys/files.ts';
import { requireFreeSpace } from '../../sys/free-space.ts';
import { defaultImage } from '../engine/tiny-boot.ts';
import type { Host } from '../host/host.ts';

/** @throws KameError BAD_IMAGE when the file is not an ISO image */
export async function checkInstallIso(path: string): Promise<void> {
  const { format } = await probeImage(path, { allowRaw: true });
  if (format === 'iso') return;
  throw new KameError('BAD_IMAGE', `${path} is not an ISO image (it is ${format}).`, {
    next: 'Disk images go with --image.',
    details: { path },
  });
}

/** The image a request names; undefined when the machine starts with an empty disk. */
export async function imageFor(
  host: Host,
  request: CreateMachine,
  arch: Arch,
  progress: Progress,
): Promise<ImageSource | undefined> {
  if (request.image === undefined && request.iso !== undefined) return undefined;
  return await host.images.resolve(request.image ?? defaultImage, { arch }, progress);
}

/**
 * Refuses a create that ended with a full disk by telling how much a machine of this image takes. To be called when what
 * was half-made is gone again; returns when there would be room now.
 * @throws KameError DISK_FULL naming the bytes needed and the bytes there
 */
export async function requireSpaceFor(vmx: string, source: ImageSource): Promise<void> {
  const { disk, directBoot } = source;
  const files = [disk, ...(directBoot ? [directBoot.kernel, directBoot.initrd] : [])];
  let bytes = 0;
  for (const file of files) bytes += (await allocatedBytes(file)) ?? 0;
  await requireFreeSpace(dirname(dirname(vmx)), bytes, vmx);
}

/** Whether a new machine gets a cloud-init seed. */
export function wantsSeed(source: ImageSource | undefined, request: CreateMachine): boolean {
  if (!source?.cloudInit) return false;
  // An image of unknown making gets one only when there is something to say to it.
  return source.user !== undefined || request.user !== undefined || (request.sshKeys ?? []).length > 0;
}
