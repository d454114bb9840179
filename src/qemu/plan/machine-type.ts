import { KameError } from '../../core/errors.ts';
import { isIdeGuest } from '../../model/guest-os.ts';
import type { MachineModel, StorageSlot } from '../../model/machine.ts';
import { versionText, type Capabilities, type MachineType } from '../capabilities/capabilities.ts';

export type MachineFamily = 'virt' | 'q35' | 'i440fx';

const prefixes: ReadonlyArray<readonly [prefix: string, family: MachineFamily]> = [
  ['virt-', 'virt'],
  ['pc-q35-', 'q35'],
  ['pc-i440fx-', 'i440fx'],
];

/** The family of a versioned machine type, or undefined for one that Kame does not use. */
export function familyOf(machineType: string): MachineFamily | undefined {
  return prefixes.find(([prefix]) => machineType.startsWith(prefix))?.[1];
}

function versionOf(name: string): [number, number] | undefined {
  const match = /-(\d{1,4})\.(\d{1,4})$/.exec(name);
  return match ? [Number(match[1]), Number(match[2])] : undefined;
}

/** The newest versioned type of a family, such as `virt-10.0`. */
export function newestMachineType(
  capabilities: Capabilities,
  family: MachineFamily,
): MachineType | undefined {
  return capabilities.machines
    .filter((machine) => familyOf(machine.name) === family && versionOf(machine.name) !== undefined)
    .sort((a, b) => {
      const [aMajor, aMinor] = versionOf(a.name) as [number, number];
      const [bMajor, bMinor] = versionOf(b.name) as [number, number];
      return bMajor - aMajor || bMinor - aMinor;
    })[0];
}

function isOnIde(model: MachineModel, slot: StorageSlot): boolean {
  if (slot.bus !== 'ide') return false;
  const { controllers } = model;
  const found = controllers.find(({ bus, index }) => bus === 'ide' && index === slot.controller);
  return (found?.model ?? 'ide') === 'ide';
}

/**
 * Whether the guest would miss real IDE channels, which q35 does not have. One that was installed on an IDE disk may not
 * load an AHCI driver when it boots: Windows before Vista has none, later ones have switched it off, and many a Linux has
 * only the drivers of its own disk in its initrd. A CD drive matters only to guests that may have no AHCI driver at all.
 */
function needsIde(model: MachineModel): boolean {
  // Secure Boot needs SMM, which only q35 has.
  if (model.firmware.secureBoot) return false;
  if (model.disks.some((disk) => isOnIde(model, disk))) return true;
  return isIdeGuest(model.guestOS) && model.cdroms.some((cdrom) => isOnIde(model, cdrom));
}

/** The families for a machine that is not pinned yet, best first: an engine may lack the older PC. */
function familiesFor(model: MachineModel): readonly MachineFamily[] {
  if (model.arch === 'aarch64') return ['virt'];
  return needsIde(model) ? ['i440fx', 'q35'] : ['q35'];
}

/**
 * The pinned machine type of a machine, otherwise the newest versioned one of the engine: of `virt` for ARM, of `q35` for
 * Intel, or of `pc-i440fx` if the guest needs IDE.
 * @throws KameError ENGINE_TOO_OLD when the engine lacks it, INVALID_VALUE for a type of another family
 */
export function chooseMachineType(model: MachineModel, capabilities: Capabilities): MachineType {
  const pinned = model.kame.machineType;
  const engine = `QEMU ${versionText(capabilities)} for ${capabilities.arch}`;
  if (pinned === undefined) {
    for (const family of familiesFor(model)) {
      const newest = newestMachineType(capabilities, family);
      if (newest) return newest;
    }
    throw new KameError('ENGINE_TOO_OLD', `${engine} has no versioned machine type for ${model.arch}.`);
  }
  const found = capabilities.machines.find((machine) => machine.name === pinned || machine.alias === pinned);
  if (!found) {
    throw new KameError(
      'ENGINE_TOO_OLD',
      `The machine is pinned to the machine type ${pinned}, which ${engine} does not have.`,
      {
        next: 'Install a QEMU that has it (`kame doctor` shows the one in use), or set kame.machineType to another type.',
      },
    );
  }
  const family = familyOf(found.name);
  if (!family || (family === 'virt') !== (model.arch === 'aarch64')) {
    throw new KameError(
      'INVALID_VALUE',
      `kame.machineType is ${pinned}; ${model.arch} machines need ${typesFor(model.arch)}.`,
    );
  }
  return found;
}

function typesFor(arch: MachineModel['arch']): string {
  return arch === 'aarch64' ? 'virt-*' : 'pc-q35-* or pc-i440fx-*';
}
