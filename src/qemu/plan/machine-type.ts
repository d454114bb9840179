import { KameError } from '../../core/errors.ts';
import type { MachineModel } from '../../model/machine.ts';
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

/**
 * The pinned machine type of a machine, otherwise the newest versioned `virt` or `q35` of the engine.
 * @throws KameError ENGINE_TOO_OLD when the engine lacks it, INVALID_VALUE for a type of another family
 */
export function chooseMachineType(model: MachineModel, capabilities: Capabilities): MachineType {
  const pinned = model.kame.machineType;
  const engine = `QEMU ${versionText(capabilities)} for ${capabilities.arch}`;
  if (pinned === undefined) {
    const newest = newestMachineType(capabilities, model.arch === 'aarch64' ? 'virt' : 'q35');
    if (newest) return newest;
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
