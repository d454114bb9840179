import type { MachineModel } from '../../model/machine.ts';
import { readModel } from '../../model/read.ts';
import { slotName } from '../../model/slots.ts';
import { applyModel } from '../../model/write.ts';
import { edit, entriesOf, foldKey, type VmxDocument } from '../../vmx/document.ts';

/** Keys with a meaning only for Kame, or only where the machine is. */
const ownPrefixes = ['kame.', 'encryption.'];
const ownKeys = new Set(['extendedconfigfile', 'uuid.location', 'uuid.action', 'managedvm.autoaddvtpm']);

/** Keys that go into an OVF as they are, because VMware's products and guests read them and nothing else carries them. */
const carried =
  /^(?:guestinfo\.|disk\.enableuuid$|bios\.bootorder$|bios\.bootdelay$|hypervisor\.cpuid\.v0$|isolation\.tools\.(?:copy|paste)\.disable$)/;

/** A machine as VMware has it. */
export interface PortableConfig {
  readonly document: VmxDocument;
  readonly model: MachineModel;
}

function withoutOwnKeys(document: VmxDocument): VmxDocument {
  const own = entriesOf(document)
    .map(({ key }) => key)
    .filter((key) => {
      const folded = foldKey(key);
      return ownKeys.has(folded) || ownPrefixes.some((prefix) => folded.startsWith(prefix));
    });
  return edit(document, new Map(own.map((key) => [key, null])));
}

/**
 * Settings that are the default in VMware's products, and that virt-v2v needs: it takes no disk on IDE without its type, and no
 * firmware without the key for EFI. It warns of the key for a BIOS.
 */
function forVirtV2v({ disks, firmware }: MachineModel): Map<string, string | null> {
  const types = disks
    .filter(({ bus }) => bus === 'ide')
    .map((disk) => [`${slotName(disk)}.deviceType`, 'ata-hardDisk'] as const);
  return new Map<string, string | null>([['firmware', firmware.kind === 'efi' ? 'efi' : null], ...types]);
}

/**
 * The configuration of a machine for VMware: without Kame's keys, and without files, folders and devices of this computer.
 * @param fileNames the disks' new files, by slot
 * @throws KameError INVALID_VALUE when a value cannot be written
 */
export function portableConfig(
  document: VmxDocument,
  stem: string,
  fileNames: ReadonlyMap<string, string>,
): PortableConfig {
  const plain = withoutOwnKeys(document);
  const before = readModel(plain).model;
  const { kind, secureBoot } = before.firmware;
  const model: MachineModel = {
    ...before,
    suspendedState: '',
    tpm: false,
    firmware: { kind, secureBoot, nvram: `${stem}.nvram` },
    disks: before.disks.map((disk) => ({
      ...disk,
      fileName: fileNames.get(slotName(disk)) ?? disk.fileName,
    })),
    cdroms: before.cdroms.map((drive) => ({ ...drive, fileName: null })),
    floppies: before.floppies.map((drive) => ({ ...drive, fileName: null })),
    serials: [],
    parallels: [],
    sharedFolders: [],
  };
  return { document: edit(applyModel(plain, before, model), forVirtV2v(model)), model };
}

/** The keys of a `.vmx` that an OVF has as they are. */
export function carriedKeys(document: VmxDocument): (readonly [key: string, value: string])[] {
  return entriesOf(document)
    .filter(({ key }) => carried.test(foldKey(key)))
    .map(({ key, value }) => [key, value] as const);
}
