import { KameError } from '../../core/errors.ts';
import { buses, scsiReservedUnit, unitsOf } from '../../model/devices.ts';
import { findGuestOs } from '../../model/guest-os.ts';
import type { Controller, MachineModel, StorageBus, StorageSlot } from '../../model/machine.ts';
import { slotName } from '../../model/slots.ts';

/** The slot of a new disk and its controller, which may be new as well. */
export interface Place {
  readonly slot: StorageSlot;
  readonly controller: Controller;
}

/** The bus for a machine's disks: that of its first disk, or else the default of its guest OS. */
function usualBus(model: MachineModel): StorageBus {
  return model.disks[0]?.bus ?? findGuestOs(model.guestOS).os.disk.bus;
}

/** The controller with that index, or a new one of the same model as the others on its bus. */
function controllerAt(model: MachineModel, bus: StorageBus, index: number): Controller {
  const alike = model.controllers.filter((controller) => controller.bus === bus);
  const found = alike.find((controller) => controller.index === index);
  const usual = findGuestOs(model.guestOS).os.disk;
  const ofBus = usual.bus === bus ? usual.model : buses[bus].models[0];
  return found ?? { bus, index, model: alike[0]?.model ?? ofBus ?? usual.model };
}

/** The units that a disk can have: those of VMware that the emulated device also has. */
function unitsAt({ bus, model }: Controller): number[] {
  const count = Math.min(buses[bus].units, unitsOf(model));
  const all = Array.from({ length: count }, (_none, unit) => unit);
  return bus === 'scsi' ? all.filter((unit) => unit !== scsiReservedUnit) : all;
}

function takenSlots(model: MachineModel): Set<string> {
  return new Set([...model.disks, ...model.cdroms].map(slotName));
}

function freePlace(model: MachineModel): Place {
  const bus = usualBus(model);
  const taken = takenSlots(model);
  for (let index = 0; index < buses[bus].controllers; index += 1) {
    const controller = controllerAt(model, bus, index);
    for (const unit of unitsAt(controller)) {
      const slot = { bus, controller: index, unit };
      if (!taken.has(slotName(slot))) return { slot, controller };
    }
  }
  throw new KameError('INVALID_VALUE', `The machine has no free ${bus} slot for another disk.`, {
    next: 'Remove a disk first, or use --slot to choose a slot on another bus.',
  });
}

function invalidSlot(text: string, why: string, next: string): KameError {
  const shown = JSON.stringify(text.slice(0, 64));
  return new KameError('INVALID_VALUE', `${shown} is not a valid slot${why}.`, {
    next,
    details: { slot: text },
  });
}

function namedPlace(model: MachineModel, text: string): Place {
  const match = /^(nvme|sata|scsi|ide)(0|[1-9]\d?):(0|[1-9]\d?)$/.exec(text);
  const slot = {
    bus: (match?.[1] ?? 'nvme') as StorageBus,
    controller: Number(match?.[2]),
    unit: Number(match?.[3]),
  };
  if (!match) throw invalidSlot(text, '', 'Write bus, controller and unit, such as nvme0:1.');
  const usual = usualBus(model);
  const hasController = model.controllers.some(
    ({ bus, index }) => bus === slot.bus && index === slot.controller,
  );
  if (!hasController && (slot.bus !== usual || slot.controller >= buses[usual].controllers)) {
    const names = model.controllers.map(({ bus, index }) => `${bus}${index}`).join(', ');
    throw invalidSlot(
      text,
      `: the machine has no controller ${slot.bus}${slot.controller} (it has ${names === '' ? 'none' : names})`,
      `New disks can add controllers from ${usual}0 to ${usual}${buses[usual].controllers - 1}.`,
    );
  }
  const controller = controllerAt(model, slot.bus, slot.controller);
  const units = unitsAt(controller);
  if (!units.includes(slot.unit)) {
    const except = slot.bus === 'scsi' && units.length > scsiReservedUnit ? ' except 7' : '';
    throw invalidSlot(
      text,
      `: the controller has no unit ${slot.unit}`,
      `A ${controller.model} controller has units 0 to ${units.at(-1) ?? 0}${except}.`,
    );
  }
  if (takenSlots(model).has(text)) {
    throw new KameError('ALREADY_EXISTS', `The slot ${text} is already in use.`, {
      next: 'Choose another slot, or leave out --slot to use the next free one.',
      details: { slot: text },
    });
  }
  return { slot, controller };
}

/**
 * Chooses the slot of a new disk: the one given, or else the next free one on the bus of the machine's other disks. Adds a
 * controller if the existing ones are full.
 * @throws KameError INVALID_VALUE, ALREADY_EXISTS naming the slot
 */
export function placeFor(model: MachineModel, named: string | undefined): Place {
  return named === undefined ? freePlace(model) : namedPlace(model, named);
}
