import { basename } from 'node:path';
import { KameError } from '../../core/errors.ts';
import { suggest } from '../../core/suggest.ts';
import { readChain, type Layer } from '../../disk/chain.ts';
import type { Disk } from '../../model/machine.ts';
import { slotName } from '../../model/slots.ts';
import type { Bundle } from '../../store/bundle.ts';
import { resolveIn } from '../../store/names.ts';
import type { Host } from '../host/host.ts';
import { requireAgreed } from '../host/outside-files.ts';
import { layerDirectories } from '../layers/chains.ts';

/** The references that identify a disk: its slot, and its file as in the `.vmx`, as a base name or as an absolute path. */
function namesOf(bundle: Bundle, disk: Disk): string[] {
  return [slotName(disk), disk.fileName, basename(disk.fileName), resolveIn(bundle.names, disk.fileName)];
}

/**
 * Finds a disk by its slot or its file.
 * @throws KameError INVALID_VALUE listing the disks of the machine
 */
export function chosenDisk(bundle: Bundle, reference: string): Disk {
  const disks = bundle.content?.model.disks ?? [];
  const found = disks.filter((disk) => namesOf(bundle, disk).includes(reference));
  const [first] = found;
  if (first && found.length === 1) return first;
  const slots = disks.map((disk) => `${slotName(disk)} (${basename(disk.fileName)})`).join(', ');
  const details = { machine: bundle.name, disk: reference };
  if (first) {
    throw new KameError(
      'INVALID_VALUE',
      `${found.length} disks of ${bundle.name} have a file named ${reference}.`,
      {
        next: `Use the slot of one of them: ${slots}`,
        details,
      },
    );
  }
  const meant = suggest(
    reference,
    disks.flatMap((disk) => [slotName(disk), basename(disk.fileName)]),
  );
  const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
  throw new KameError('INVALID_VALUE', `${bundle.name} has no disk ${reference}.${hint}`, {
    next:
      disks.length === 0
        ? `It has no disks; kame disk add ${bundle.name} 20GiB adds one.`
        : `Its disks are ${slots}.`,
    details,
  });
}

/**
 * The slot and the layers of a disk that is about to be changed. The files outside the bundle must have been agreed to.
 * @throws KameError as chosenDisk and readChain; OUTSIDE_FILES
 */
export async function chosenChain(
  host: Host,
  bundle: Bundle,
  reference: string,
): Promise<{ readonly slot: string; readonly top: Layer }> {
  const disk = chosenDisk(bundle, reference);
  const inside = await layerDirectories(host, bundle);
  await requireAgreed(host, bundle);
  const top = await readChain(resolveIn(bundle.names, disk.fileName), { inside });
  return { slot: slotName(disk), top };
}
