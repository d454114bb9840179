import { copyFile } from 'node:fs/promises';
import { constants } from 'node:fs';
import { KameError } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import type { CreateMachine } from '../api/machine.ts';
import { probeImage } from '../disk/probe.ts';
import { resize } from '../disk/qemu-img.ts';
import type { Arch, MachineSpec } from '../spec/machine.ts';
import { fileError } from '../sys/files.ts';
import type { Host } from './host.ts';
import { tinyImage } from './images.ts';

/** What a new machine's first disk is made of. */
export interface SourceImage {
  readonly id: string;
  /** Guest OS id, where it is known. */
  readonly guestOS?: string;
  /** Kernel and initrd that go into the bundle. */
  readonly directBoot?: { readonly kernel: string; readonly initrd: string; readonly commandLine: string };
  /** Writes the disk as qcow2, grown to a size in bytes where one is given. */
  copyDisk(target: string, sizeBytes: number | undefined, qemuImg: string, progress: Progress): Promise<void>;
  /** Writes the cloud-init seed; absent where the image does not read one. */
  writeSeed?(target: string, spec: MachineSpec, request: CreateMachine): Promise<void>;
}

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
): Promise<SourceImage | undefined> {
  const { image, iso } = request;
  if (image === undefined && iso !== undefined) return undefined;
  return await tinySource(host, arch, progress);
}

async function tinySource(host: Host, arch: Arch, progress: Progress): Promise<SourceImage> {
  const tiny = await tinyImage(host, arch, progress);
  return {
    id: 'tiny',
    directBoot: { kernel: tiny.kernel, initrd: tiny.initrd, commandLine: tiny.commandLine },
    copyDisk: async (target, sizeBytes, qemuImg) => {
      try {
        await copyFile(tiny.disk, target, constants.COPYFILE_FICLONE);
      } catch (error) {
        throw fileError(error, target);
      }
      if (sizeBytes !== undefined) await resize({ qemuImg, path: target, format: 'qcow2', sizeBytes });
    },
  };
}
