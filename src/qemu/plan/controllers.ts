import { KameError } from '../../core/errors.ts';
import { unitsOf } from '../../model/devices.ts';
import type {
  Controller,
  ControllerModel,
  MachineModel,
  StorageBus,
  StorageSlot,
} from '../../model/machine.ts';
import { controllerName, slotName } from '../../model/slots.ts';
import { hasDevice } from '../capabilities/capabilities.ts';
import type { PlanBuilder } from './builder.ts';
import { addrText, controllerPlace, diskPlace } from './pci.ts';
import type { CheckpointBlocker } from './types.ts';

/** The name of a slot in ids and block nodes of QEMU, which cannot contain a colon: `nvme0-0`. */
export function slotId(slot: StorageSlot): string {
  return `${slot.bus}${slot.controller}-${slot.unit}`;
}

interface ModelFacts {
  /** The device in QEMU, if the controller is a device. */
  readonly driver?: string;
  /** The controller that the guest sees, if it differs from the one in the `.vmx`. */
  readonly instead?: string;
}

const models: Record<ControllerModel, ModelFacts> = {
  nvme: { driver: 'nvme' },
  ahci: { driver: 'ich9-ahci' },
  ide: {},
  pvscsi: { driver: 'pvscsi' },
  lsisas1068: { driver: 'mptsas1068' },
  lsilogic: {
    driver: 'lsi53c895a',
    instead: 'an LSI 53C895A (driver sym53c8xx) instead of a 53C1030',
  },
  buslogic: { driver: 'lsi53c895a', instead: 'an LSI 53C895A instead of a BusLogic' },
  'virtio-scsi': { driver: 'virtio-scsi-pci' },
  'virtio-blk': {},
};

const defaultModels: Record<StorageBus, ControllerModel> = {
  nvme: 'nvme',
  sata: 'ahci',
  scsi: 'virtio-scsi',
  ide: 'ide',
};

/** The controller of a slot; one that the `.vmx` does not list has the default model of its bus. */
function controllerIn({ controllers }: MachineModel, slot: StorageSlot): Controller {
  const found = controllers.find((one) => one.bus === slot.bus && one.index === slot.controller);
  return found ?? { bus: slot.bus, index: slot.controller, model: defaultModels[slot.bus] };
}

/** The controller of a slot of the machine that is planned. */
export function controllerOf(builder: PlanBuilder, slot: StorageSlot): Controller {
  return controllerIn(builder.input.model, slot);
}

/** Every controller that has a drive, in the order of their names. */
function usedControllers(model: MachineModel): Controller[] {
  const slots = [...model.disks, ...model.cdroms];
  const used = new Map(
    slots
      .map((slot) => controllerIn(model, slot))
      .map((controller) => [controllerName(controller), controller]),
  );
  return [...used].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, controller]) => controller);
}

/**
 * The controllers of a machine whose state cannot be saved.
 * QEMU's nvme device is marked unmigratable (hw/nvme/ctrl.c, 7.2 and 10.0).
 */
export function unsavableControllers(model: MachineModel): CheckpointBlocker[] {
  return usedControllers(model)
    .filter((controller) => controller.model === 'nvme')
    .map((controller) => {
      const id = controllerName(controller);
      return {
        device: `${id}, an NVMe controller`,
        reason: 'QEMU cannot save the state of its NVMe device.',
        remedy: `After a stop, kame set ${model.displayName} kame.${id}.device=virtio-blk gives it a controller that can be saved, if the guest has a driver for it (Linux has).`,
      };
    });
}

/** What the guest sees in place of controllers that QEMU does not emulate, as sentences. */
export function replacedControllers(model: MachineModel): string[] {
  return usedControllers(model).flatMap((controller) => {
    const { instead } = models[controller.model];
    return instead === undefined
      ? []
      : [`${controllerName(controller)}: the guest sees ${instead}, which QEMU does not emulate.`];
  });
}

function attachController(builder: PlanBuilder, controller: Controller): void {
  const { driver } = models[controller.model];
  const id = controllerName(controller);
  if (driver === undefined) return;
  if (!hasDevice(builder.input.capabilities, driver)) {
    const message = `${id} is ${controller.model}, but this QEMU was built without the device ${driver}.`;
    throw new KameError('ENGINE_TOO_OLD', message);
  }
  const serial = controller.model === 'nvme' ? { serial: `kame-${id}` } : {};
  builder.pciDevice(controllerPlace(controller.bus, controller.index), { driver, id, ...serial });
}

/** Every controller that has a drive. @throws KameError ENGINE_TOO_OLD, INVALID_VALUE */
export function attachControllers(builder: PlanBuilder): void {
  const { model } = builder.input;
  for (const note of replacedControllers(model)) builder.note(note);
  for (const controller of usedControllers(model)) attachController(builder, controller);
  for (const blocker of unsavableControllers(model)) builder.blocks(blocker);
}

function checkUnit(controller: Controller, slot: StorageSlot): void {
  const units = unitsOf(controller.model);
  if (slot.unit < units) return;
  const message = `${slotName(slot)} does not exist: a controller of model ${controller.model} has units 0 to ${units - 1}.`;
  throw new KameError('INVALID_VALUE', message);
}

/** Bus of an IDE drive: a real IDE channel if the machine has one, otherwise the AHCI controller of q35. */
function idePlace(builder: PlanBuilder, slot: StorageSlot): Record<string, string | number> {
  if (builder.family === 'i440fx') return { bus: `ide.${slot.controller}`, unit: slot.unit };
  if (builder.family === 'q35') {
    builder.note(
      `The guest sees IDE drives on an AHCI controller, because ${builder.machineType} has no IDE. If it does not boot, kame set ${builder.input.model.displayName} kame.machineType=pc gives it IDE.`,
    );
    return { bus: `ide.${slot.controller * 2 + slot.unit}` };
  }
  throw new KameError('INVALID_VALUE', `${slotName(slot)}: an ARM machine has no IDE.`, {
    next: 'Put the drive on sata0, nvme0 or scsi0.',
  });
}

/** Device and address of a drive. */
export interface DrivePlace {
  readonly driver: string;
  readonly at: Readonly<Record<string, string | number | boolean>>;
}

/** How a drive is attached to its controller: device, bus and address. @throws KameError INVALID_VALUE */
export function drivePlace(builder: PlanBuilder, slot: StorageSlot, kind: 'hd' | 'cd'): DrivePlace {
  const controller = controllerOf(builder, slot);
  checkUnit(controller, slot);
  const id = controllerName(controller);
  switch (controller.model) {
    case 'nvme':
      if (kind === 'cd') break;
      return { driver: 'nvme-ns', at: { bus: id, nsid: slot.unit + 1 } };
    case 'virtio-blk': {
      if (kind === 'cd') break;
      const at = diskPlace(slot.bus, slot.controller, slot.unit);
      const multifunction = at.function === 0 ? { multifunction: true } : {};
      return { driver: 'virtio-blk-pci', at: { bus: builder.rootBus, addr: addrText(at), ...multifunction } };
    }
    case 'ahci':
      return { driver: `ide-${kind}`, at: { bus: `${id}.${slot.unit}` } };
    case 'ide':
      return { driver: `ide-${kind}`, at: idePlace(builder, slot) };
    default:
      return { driver: `scsi-${kind}`, at: { bus: `${id}.0`, 'scsi-id': slot.unit, lun: 0 } };
  }
  throw new KameError(
    'INVALID_VALUE',
    `${slotName(slot)}: a controller of model ${controller.model} cannot have a CD drive.`,
    {
      next: 'Put the drive on sata0 or scsi0.',
    },
  );
}
