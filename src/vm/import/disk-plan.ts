import { randomUUID } from 'node:crypto';
import { extname } from 'node:path';
import { bootSectorOf, type BootSector } from '../../disk/boot-sector.ts';
import { defaultArch, defaultModel } from '../../model/defaults.ts';
import { checkGuestOs, findGuestOs } from '../../model/guest-os.ts';
import type { Firmware, MachineModel } from '../../model/machine.ts';
import { refuseProblems } from '../../model/problem.ts';
import { slotName } from '../../model/slots.ts';
import { validateModel } from '../../model/validate.ts';
import { createDocument } from '../../model/write.ts';
import { edit } from '../../vmx/document.ts';
import { unknownGuest } from '../library/new-machine.ts';
import { sizeOf } from './disks.ts';
import { originKey, type ImportPlan } from './plan.ts';

const diskExtensions: ReadonlySet<string> = new Set([
  '.vmdk',
  '.qcow2',
  '.raw',
  '.img',
  '.vhdx',
  '.vdi',
  '.vhd',
]);

/** Whether a path names a disk rather than a machine. */
export function isDiskPath(path: string): boolean {
  return diskExtensions.has(extname(path).toLowerCase());
}

/** A disk that only a BIOS can boot is that of a PC. */
function guestFor({ efi, bios }: BootSector): string {
  return unknownGuest[bios && !efi ? 'x86_64' : defaultArch];
}

function firmwareFor({ efi, bios }: BootSector, guestOS: string, name: string): Firmware {
  const { os } = findGuestOs(guestOS);
  const kind = os.arch === 'x86_64' && bios !== efi ? (efi ? 'efi' : 'bios') : os.firmware;
  return { kind, secureBoot: false, nvram: `${name}.nvram` };
}

function notesFor({ efi, bios }: BootSector, { guestOS, firmware }: MachineModel, asked: boolean): string[] {
  const boots = [...(efi ? ['an EFI system partition'] : []), ...(bios ? ['code for a BIOS'] : [])];
  const found =
    boots.length === 0 ? 'neither an EFI system partition nor code for a BIOS' : boots.join(' and ');
  return [
    `The disk has ${found}; the machine gets ${firmware.kind === 'efi' ? 'EFI' : 'a BIOS'}.`,
    ...(asked
      ? []
      : [`A disk does not tell its guest system: it is treated as ${guestOS}. --os gives another one.`]),
  ];
}

/**
 * Plans a machine around a copy of a disk.
 * @param guestOS its guest OS id, if it is known
 * @throws KameError BAD_IMAGE naming why the disk cannot be imported, INVALID_VALUE, NO_SUCH_IMAGE, FILE_ACCESS
 */
export async function planDisk(path: string, name: string, guestOS: string | undefined): Promise<ImportPlan> {
  if (guestOS !== undefined) checkGuestOs(guestOS);
  const sizeBytes = await sizeOf(path);
  const sector = await bootSectorOf(path);
  const id = guestOS ?? guestFor(sector);
  const firmware = firmwareFor(sector, id, name);
  const model = defaultModel({ name, uuid: randomUUID(), guestOS: id, firmware, tpm: false });
  refuseProblems(validateModel(model));
  const [disk] = model.disks;
  const fileName = disk?.fileName ?? '';
  return {
    report: {
      name,
      source: path,
      disks: disk ? [{ slot: slotName(disk), path, sizeBytes, inPlace: false }] : [],
      eulas: [],
      notes: notesFor(sector, model, guestOS !== undefined),
    },
    recipe: {
      name,
      document: edit(createDocument(model), new Map([[originKey, path]])),
      disks: [{ fileName, from: 'image', source: path }],
      files: [],
    },
  };
}
