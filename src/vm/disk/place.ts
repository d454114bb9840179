import { KameError } from '../../core/errors.ts';
import { buses, scsiReservedUnit, unitsOf } from '../../model/devices.ts';
import { findGuestOs } from '../../model/guest-os.ts';
import type { Controller, MachineModel, StorageBus, StorageSlot } from '../../model/machine.ts';
import { slotName } from '../../model/slots.ts';

/** Where a new disk goes, on a controller that is there or comes with it. */
export interface Place {
  readonly slot: StorageSlot;
  readonly controller: Controller;
}

/** The bus on which a machine's disks are: that of its first one, else the one its guest system takes. */
function usualBus(model: MachineModel): StorageBus {
  return model.disks[0]?.bus ?? findGuestOs(model.guestOS).os.disk.bus;
}

/** The controller of that number; one that is not there yet is like the others of its bus. */
function controllerAt(model: MachineModel, bus: StorageBus, index: number): Controller {
  const alike = model.controllers.filter((controller) => controller.bus === bus);
  const found = alike.find((controller) => controller.index === index);
  const usual = findGuestOs(model.guestOS).os.disk;
  const ofBus = usual.bus === bus ? usual.model : buses[bus].models[0];
  return found ?? { bus, index, model: alike[0]?.model ?? ofBus ?? usual.model };
}

/** Units that a disk can have: VMware's, as far as the device that the guest sees has them. */
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
  throw new KameError('INVALID_VALUE', `There is no free place for another disk on the bus ${bus}.`, {
    next: 'Remove a disk first, or name a place on a controller of another bus by --slot.',
  });
}

function wrongSlot(text: string, why: string, next: string): KameError {
  const shown = JSON.stringify(text.slice(0, 64));
  return new KameError('INVALID_VALUE', `The slot ${shown} ${why}.`, { next, details: { slot: text } });
}

function namedPlace(model: MachineModel, text: string): Place {
  const match = /^(nvme|sata|scsi|ide)(0|[1-9]\d?):(0|[1-9]\d?)$/.exec(text);
  const slot = {
    bus: (match?.[1] ?? 'nvme') as StorageBus,
    controller: Number(match?.[2]),
    unit: Number(match?.[3]),
  };
  if (!match) throw wrongSlot(text, 'is none', 'Write bus, controller and unit, such as nvme0:1.');
  const usual = usualBus(model);
  const there = model.controllers.some(({ bus, index }) => bus === slot.bus && index === slot.controller);
  if (!there && (slot.bus !== usual || slot.controller >= buses[usual].controllers)) {
    const names = model.controllers.map(({ bus, index }) => `${bus}${index}`).join(', ');
    throw wrongSlot(
      text,
      `is on a controller that the machine does not have; it has ${names === '' ? 'none' : names}`,
      `New controllers can be ${usual}0 to ${usual}${buses[usual].controllers - 1}.`,
    );
  }
  const controller = controllerAt(model, slot.bus, slot.controller);
  const units = unitsAt(controller);
  if (!units.includes(slot.unit)) {
    const except = slot.bus === 'scsi' && units.length > scsiReservedUnit ? ' except 7' : '';
    throw wrongSlot(
      text,
      'does not exist',
      `A ${controller.model} controller has units 0 to ${units.at(-1) ?? 0}${except}.`,
    );
  }
  if (takenSlots(model).has(text)) {
    throw new KameError('ALREADY_EXISTS', `There is a drive at ${text} already.`, {
      next: 'Choose another slot, or leave it out: the next free one is taken then.',
      details: { slot: text },
    });
  }
  return { slot, controller };
}

/**
 * The place of a new disk: the one that is named, else the next free one where the machine's other disks are. A
 * controller is added where those there are full.
 * @throws KameError INVALID_VALUE, ALREADY_EXISTS naming the slot
 */
export function placeFor(model: MachineModel, named: string | undefined): Place {
  return named === undefined ? freePlace(model) : namedPlace(model, named);
}
