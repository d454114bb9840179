import type { Controller, StorageBus, StorageSlot } from './machine.ts';

/** The name of a slot in the `.vmx`: `nvme0:0`. */
export function slotName({ bus, controller, unit }: StorageSlot): string {
  return `${bus}${controller}:${unit}`;
}

/** The name of a controller in the `.vmx`: `nvme0`. */
export function controllerName({ bus, index }: Pick<Controller, 'bus' | 'index'>): string {
  return `${bus}${index}`;
}

/** The order of buses in a model. */
export const busOrder: readonly StorageBus[] = ['nvme', 'sata', 'scsi', 'ide'];

function compareBuses(a: StorageBus, b: StorageBus): number {
  return busOrder.indexOf(a) - busOrder.indexOf(b);
}

/** The order of disks and CD drives in a model: by bus, controller and unit. */
export function compareSlots(a: StorageSlot, b: StorageSlot): number {
  return compareBuses(a.bus, b.bus) || a.controller - b.controller || a.unit - b.unit;
}

/** The order of controllers in a model: by bus and index. */
export function compareControllers(a: Controller, b: Controller): number {
  return compareBuses(a.bus, b.bus) || a.index - b.index;
}
