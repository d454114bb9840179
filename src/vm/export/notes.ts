import type { MachineModel } from '../../model/machine.ts';
import { controllerName, slotName } from '../../model/slots.ts';
import type { Bundle } from '../../store/bundle.ts';
import { readSnapshotFile } from '../../store/snapshot-file.ts';
import type { ExportState } from './state.ts';

function ofDevices(model: MachineModel, portable: MachineModel): string[] {
  const controllers = model.controllers.flatMap((controller) => {
    const name = controllerName(controller);
    const other = portable.controllers.find((each) => controllerName(each) === name);
    return other === undefined || other.model === controller.model
      ? []
      : [
          `The controller ${name} is ${controller.model} here and ${other.model} in the export: the guest needs a driver for that to boot.`,
        ];
  });
  const nics = model.nics.flatMap((nic) => {
    const other = portable.nics.find(({ index }) => index === nic.index);
    return other === undefined || other.model === nic.model
      ? []
      : [`The network adapter ethernet${nic.index} is ${nic.model} here and ${other.model} in the export.`];
  });
  return [...controllers, ...nics];
}

function ofMedia({ cdroms, floppies, serials, parallels, sharedFolders }: MachineModel): string[] {
  const drives = [
    ...cdroms.map((drive) => ({ device: slotName(drive), fileName: drive.fileName })),
    ...floppies.map(({ index, fileName }) => ({ device: `floppy${index}`, fileName })),
  ].flatMap(({ device, fileName }) =>
    fileName === null ? [] : [`The drive ${device} is empty: ${fileName} is not in the export.`],
  );
  const ports = [
    ...serials.map(({ index }) => `serial${index}`),
    ...parallels.map(({ index }) => `parallel${index}`),
  ].map((port) => `The port ${port} is not in the export: it is connected to something of this computer.`);
  const folders = sharedFolders.map(
    ({ guestName, hostPath }) => `The shared folder ${guestName} (${hostPath}) is not in the export.`,
  );
  return [...drives, ...ports, ...folders];
}

function ofBoot({ firmware, kame, tpm }: MachineModel): string[] {
  const notes: string[] = [];
  if (kame.directBoot) {
    notes.push(
      'Kame boots the kernel of this machine directly. Elsewhere it boots from its disk, which must have a boot loader.',
    );
  } else if (firmware.kind === 'efi') {
    notes.push(
      'The EFI variables are not in the export: the guest boots from the default boot loader of its disk.',
    );
  }
  if (kame.seed !== undefined) notes.push('The cloud-init seed is not in the export.');
  if (tpm) {
    notes.push('The TPM is not in the export. If the guest uses BitLocker, have its recovery key ready.');
  }
  return notes;
}

async function ofSnapshots(bundle: Bundle, { snapshot }: ExportState): Promise<string[]> {
  const { tree } = await readSnapshotFile(bundle.names);
  const notes: string[] = [];
  if (snapshot?.withMemory === true) {
    notes.push(
      `The memory of the snapshot ${snapshot.displayName} is not in the export: the guest boots from its disks, as after a power failure.`,
    );
  }
  if (tree.snapshots.length > 0) {
    const what = snapshot ? `the state of ${snapshot.displayName}` : 'the present state';
    notes.push(`Snapshots are not in the export: it has only ${what}.`);
  }
  return notes;
}

/** What an export lacks or has otherwise, as sentences. @throws KameError FILE_ACCESS */
export async function notesOf(bundle: Bundle, state: ExportState, portable: MachineModel): Promise<string[]> {
  const { model } = state;
  return [
    ...(await ofSnapshots(bundle, state)),
    ...ofBoot(model),
    ...ofDevices(model, portable),
    ...ofMedia(model),
  ];
}
