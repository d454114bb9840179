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
  const { format } = await probeImage(path, { allowRaw: true, wanted: 'cd' });
  if (format === 'iso') return;
  throw new KameError('BAD_IMAGE', `${path} is not an ISO image (it is ${format}).`, {
    next: 'Use --image for a disk image.',
    details: { path },
  });
}

/** The image of a request; undefined for a machine with an empty disk. */
export async function imageFor(
  host: Host,
  request: CreateMachine,
  arch: Arch,
  progress: Progress,
): Promise<ImageSource | undefined> {
  if (request.image === undefined && request.iso !== undefined) return undefined;
  return await host.images.resolve(
    request.image ?? defaultImage,
    { arch, env: host.env, refresh: request.refresh },
    progress,
  );
}

/**
 * Explains a create that failed because the disk was full: how much space a machine from this image needs. Call it after the
 * incomplete bundle is deleted; returns if there is enough space now.
 * @throws KameError DISK_FULL naming the bytes needed and available
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
  // An unknown image gets a seed only if the request has content for it.
  return source.user !== undefined || request.user !== undefined || (request.sshKeys ?? []).length > 0;
}

/** What a person should know of a user or keys that no seed can bring into the guest. */
export function seedNotes(source: ImageSource | undefined, request: CreateMachine): string[] {
  const options = [
    ...(request.user === undefined ? [] : ['--user']),
    ...((request.sshKeys ?? []).length === 0 ? [] : ['--ssh-key']),
  ];
  if (options.length === 0 || wantsSeed(source, request)) return [];
  const what = source
    ? `The image ${source.id} has no cloud-init`
    : 'An installation ISO does not read a cloud-init seed';
  return [`${what}, so ${options.join(' and ')} ${options.length === 1 ? 'has' : 'have'} no effect.`];
}
