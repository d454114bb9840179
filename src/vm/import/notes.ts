import type { MachineModel } from '../../model/machine.ts';
import { slotName } from '../../model/slots.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { allocatedBytes } from '../../sys/files.ts';
import { getText, type VmxDocument } from '../../vmx/document.ts';

function ofMedia({ cdroms, floppies }: MachineModel): string[] {
  const discs = cdroms.map((drive) => ({ device: slotName(drive), fileName: drive.fileName }));
  const disks = floppies.map(({ index, fileName }) => ({ device: `floppy${index}`, fileName }));
  return [...discs, ...disks].flatMap(({ device, fileName }) =>
    fileName === null ? [] : [`The drive ${device} is empty: ${fileName} stays with the original.`],
  );
}

function ofState({ suspendedState, firmware, tpm }: MachineModel): string[] {
  const notes: string[] = [];
  if (suspendedState !== '') {
    notes.push(
      `The machine is suspended (${suspendedState}). That state stays with the original: the guest boots from its disks, as after a power failure.`,
    );
  }
  if (firmware.kind === 'efi') {
    notes.push(
      'The guest gets new EFI variables, without the boot entries and Secure Boot keys of VMware’s.',
    );
  }
  if (tpm) {
    notes.push(
      'The content of the TPM stays with the original. If the guest uses BitLocker, have its recovery key ready.',
    );
  }
  return notes;
}

/** A part of the file is encrypted, although it can be read. */
export function isPartlyEncrypted(document: VmxDocument): boolean {
  return ['encryption.data', 'encryption.keySafe', 'encryption.encryptedKey'].some(
    (key) => getText(document, key) !== undefined,
  );
}

/** What VMware encrypts even where the disks are plain, as in every Windows 11 machine of Fusion. */
function ofEncryption(document: VmxDocument): string[] {
  if (!isPartlyEncrypted(document)) return [];
  return [
    'Without its password, this is lost: the TPM with its keys, the EFI variables with boot entries and Secure Boot keys, a suspended state, and the settings in the encrypted part of the .vmx. If the guest uses BitLocker, it asks for the recovery key at its first start: have it ready.',
    'To keep all of it, decrypt the machine in VMware before the import.',
  ];
}

/** What the imported machine lacks or does differently, as sentences. @throws KameError FILE_ACCESS */
export async function notesOf(bundle: Bundle): Promise<string[]> {
  const { document, model } = contentOf(bundle);
  const hasSnapshots = ((await allocatedBytes(bundle.names.snapshots)) ?? 0) > 0;
  return [
    ...ofEncryption(document),
    // The new machine gets what the original may lack.
    ...bundle.problems.filter(({ key }) => key !== 'uuid.bios').map(({ message }) => message),
    ...ofMedia(model),
    ...ofState(model),
    ...(hasSnapshots ? ['Its snapshots stay with the original: only the present state is imported.'] : []),
  ];
}
