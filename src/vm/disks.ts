import { stat } from 'node:fs/promises';
import { KameError, errnoOf } from '../core/errors.ts';
import { probeImage } from '../disk/probe.ts';
import { slotName } from '../qemu/plan/controllers.ts';
import type { DiskSource } from '../qemu/plan/launch-plan.ts';
import type { Disk, MachineSpec } from '../spec/machine.ts';
import type { MachineNames } from '../store/names.ts';
import { resolveIn } from './describe.ts';

async function checkedDisk(names: MachineNames, disk: Disk): Promise<DiskSource> {
  const path = resolveIn(names, disk.fileName);
  // Whoever can write to a disk's file could have changed its header since it was made: it is read again at each start.
  const probed = await probeImage(path, { allowRaw: true });
  if (probed.format === 'qcow2' || probed.format === 'raw') return { path, format: probed.format };
  throw new KameError(
    'BAD_IMAGE',
    `${path} is a ${probed.format} image, on which no machine runs directly.`,
    {
      next: 'Make a machine of it: kame create NAME --image PATH copies its content into a disk of its own.',
      details: { path, format: probed.format },
    },
  );
}

/** The disks of a machine, each with its header checked. @throws KameError BAD_IMAGE naming file and reason */
export async function checkedDisks(names: MachineNames, spec: MachineSpec): Promise<Map<string, DiskSource>> {
  const pairs = await Promise.all(
    spec.disks.map(async (disk) => [slotName(disk), await checkedDisk(names, disk)] as const),
  );
  return new Map(pairs);
}

/** @throws KameError FILE_ACCESS naming the first ISO, kernel or initrd that is not there */
export async function checkFiles(names: MachineNames, spec: MachineSpec): Promise<void> {
  const { directBoot, seed } = spec.kame;
  const needed = [
    ...spec.cdroms.flatMap(({ fileName, startConnected }) =>
      fileName !== null && startConnected ? [fileName] : [],
    ),
    ...(directBoot
      ? [directBoot.kernel, ...(directBoot.initrd === undefined ? [] : [directBoot.initrd])]
      : []),
    ...(seed === undefined ? [] : [seed]),
  ];
  for (const name of needed) {
    const path = resolveIn(names, name);
    try {
      const found = await stat(path);
      if (!found.isFile()) throw new KameError('FILE_ACCESS', `${path} is not a file.`);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      throw new KameError('FILE_ACCESS', `${path} is not there; the .vmx names it.`, {
        next: 'Put the file back, or take it out of the machine with kame set.',
        cause: error,
      });
    }
  }
}
