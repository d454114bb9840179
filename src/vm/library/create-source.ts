import { stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { CreateMachine } from '../../api/machine.ts';
import { requireFreeSpace } from '../../disk/free-space.ts';
import { importDisk } from '../../disk/import.ts';
import { probeImage } from '../../disk/probe.ts';
import { createQcow2 } from '../../disk/qemu-img.ts';
import type { ImageSource } from '../../image/cache.ts';
import { hostNameFor, makeSeedIso } from '../../image/seed/seed.ts';
import { findGuestOs } from '../../model/guest-os.ts';
import type { Arch, MachineModel } from '../../model/machine.ts';
import { fileError } from '../../sys/files.ts';
import { qemuImg } from '../engine/engine.ts';
import type { Host } from '../host/host.ts';
import { defaultImage } from '../engine/tiny-boot.ts';

const gibibyte = 1024 ** 3;

/** @throws KameError BAD_IMAGE when the file is no ISO image */
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

/** Writes a new machine's first disk: a copy of its image, or an empty one. The bundle shares nothing with the cache. */
export async function writeFirstDisk(
  host: Host,
  target: string,
  source: ImageSource | undefined,
  wanted: { sizeBytes: number | undefined; guestOS: string },
  progress: Progress,
): Promise<void> {
  const tool = await qemuImg(host);
  if (!source || source.format === 'iso') {
    const sizeBytes = wanted.sizeBytes ?? findGuestOs(wanted.guestOS).os.diskGiB * gibibyte;
    await createQcow2({ qemuImg: tool, path: target, sizeBytes });
    return;
  }
  progress.report({ stage: 'Copying the disk' });
  const size = wanted.sizeBytes === undefined ? {} : { sizeBytes: wanted.sizeBytes };
  await importDisk({ source: source.disk, target, qemuImg: tool, progress, ...size });
}

async function allocatedBytes(path: string): Promise<number> {
  return await stat(path).then(
    ({ blocks }) => blocks * 512,
    () => 0,
  );
}

/**
 * Refuses a create that ended with a full disk by telling how much a machine of this image takes. To be called when what
 * was half-made is gone again; returns when there would be room now.
 * @throws KameError DISK_FULL naming the bytes needed and the bytes there
 */
export async function tellSpaceNeeded(target: string, source: ImageSource): Promise<void> {
  const { disk, directBoot } = source;
  const files = [disk, ...(directBoot ? [directBoot.kernel, directBoot.initrd] : [])];
  let bytes = 0;
  for (const file of files) bytes += await allocatedBytes(file);
  await requireFreeSpace(dirname(target), bytes, target);
}

/** Whether a new machine gets a cloud-init seed. */
export function wantsSeed(source: ImageSource | undefined, request: CreateMachine): boolean {
  if (!source?.cloudInit) return false;
  // An image of unknown making gets one only when there is something to say to it.
  return source.user !== undefined || request.user !== undefined || (request.sshKeys ?? []).length > 0;
}

/** Writes the cloud-init NoCloud seed: host name, user, SSH keys. */
export async function writeSeed(
  target: string,
  model: MachineModel,
  source: ImageSource,
  request: CreateMachine,
): Promise<void> {
  const iso = makeSeedIso({
    instanceId: model.uuid,
    hostname: hostNameFor(model.displayName),
    user: request.user ?? source.user ?? 'kame',
    ...(source.user === undefined ? {} : { imageUser: source.user }),
    sshKeys: request.sshKeys ?? [],
    installAgent: true,
  });
  try {
    await writeFile(target, iso, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    throw fileError(error, target);
  }
}
