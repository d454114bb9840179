import type { ImportReport } from '../../api/import.ts';
import { KameError } from '../../core/errors.ts';
import { isForeign, openForeign } from '../../disk/foreign-disk.ts';
import { probeImage } from '../../disk/probe.ts';
import type { MachineModel } from '../../model/machine.ts';
import { slotName } from '../../model/slots.ts';
import type { MachineNames } from '../../store/names.ts';
import { fileInside } from './source.ts';

type FoundDisk = Omit<ImportReport['disks'][number], 'inPlace'> & { readonly path: string };

/** Size of a disk in the guest, in bytes, after a check of its headers. @throws KameError BAD_IMAGE, FILE_ACCESS */
export async function sizeOf(path: string): Promise<number> {
  const image = await probeImage(path);
  if (image.format === 'iso') {
    throw new KameError('BAD_IMAGE', `${path} is an ISO image, not a disk.`, { details: { path } });
  }
  if (!isForeign(image)) return image.virtualSize;
  await using disk = await openForeign(image);
  return disk.size;
}

/**
 * The disks of a foreign machine, each checked as far as its headers go.
 * @throws KameError BAD_IMAGE naming the file and why it cannot be imported, FILE_ACCESS
 */
export async function findDisks(names: MachineNames, model: MachineModel): Promise<FoundDisk[]> {
  const found: FoundDisk[] = [];
  for (const disk of model.disks) {
    const slot = slotName(disk);
    const path = await fileInside(names, disk.fileName, `the disk ${slot}`);
    found.push({ slot, path, sizeBytes: await sizeOf(path) });
  }
  return found;
}
