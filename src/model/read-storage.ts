import { buses, diskModes, nativeModel, scsiModels, scsiReservedUnit } from './devices.ts';
import type {
  Cdrom,
  Controller,
  ControllerModel,
  Disk,
  DiskMode,
  StorageBus,
  StorageSlot,
} from './machine.ts';
import type { ModelReading } from './reading.ts';
import { busOrder, compareSlots, controllerName, slotName } from './slots.ts';

export interface Storage {
  readonly controllers: readonly Controller[];
  readonly disks: readonly Disk[];
  readonly cdroms: readonly Cdrom[];
}

function isBus(text: string): text is StorageBus {
  return text in buses && Object.hasOwn(buses, text);
}

/** Every slot `<bus>N:M` that has a key. */
function findSlots(reading: ModelReading): StorageSlot[] {
  const slots = new Map<string, StorageSlot>();
  for (const key of reading.doc.index.keys()) {
    const match = /^([a-z]+)(0|[1-9]\d?):(0|[1-9]\d?)\./.exec(key);
    const bus = match?.[1] ?? '';
    if (!isBus(bus)) continue;
    const slot = { bus, controller: Number(match?.[2]), unit: Number(match?.[3]) };
    slots.set(slotName(slot), slot);
  }
  return [...slots.values()].sort(compareSlots);
}

function readModel(
  reading: ModelReading,
  bus: StorageBus,
  index: number,
  scsi: ControllerModel,
): Controller['model'] {
  const native =
    bus === 'scsi' ? reading.choice(`scsi${index}.virtualDev`, scsiModels, scsi) : nativeModel[bus];
  return reading.choice(`kame.${controllerName({ bus, index })}.device`, buses[bus].models, native);
}

function readControllers(
  reading: ModelReading,
  slots: readonly StorageSlot[],
  scsi: ControllerModel,
): Controller[] {
  const found: Controller[] = [];
  for (const bus of busOrder) {
    for (let index = 0; index < buses[bus].controllers; index += 1) {
      // An IDE channel has no key; it exists if it has a device.
      const present =
        bus === 'ide'
          ? slots.some((slot) => slot.bus === 'ide' && slot.controller === index && isPresent(reading, slot))
          : reading.flag(`${controllerName({ bus, index })}.present`, false);
      if (present) found.push({ bus, index, model: readModel(reading, bus, index, scsi) });
    }
  }
  return found;
}

function isPresent(reading: ModelReading, slot: StorageSlot): boolean {
  return reading.text(`${slotName(slot)}.present`)?.toLowerCase() === 'true';
}

/** Whether the slot exists on its controller; if not, the device is ignored with a warning. */
function isReachable(reading: ModelReading, slot: StorageSlot, controllers: readonly Controller[]): boolean {
  const name = slotName(slot);
  const { controllers: count, units } = buses[slot.bus];
  const reserved = slot.bus === 'scsi' && slot.unit === scsiReservedUnit;
  if (slot.controller >= count || slot.unit >= units || reserved) {
    reading.leaveOut(
      `${name}.present`,
      `a slot that a ${slot.bus} controller has`,
      `A ${slot.bus} controller has no slot ${name}.`,
    );
    return false;
  }
  if (controllers.some((controller) => controller.bus === slot.bus && controller.index === slot.controller))
    return true;
  const controller = controllerName({ bus: slot.bus, index: slot.controller });
  reading.leaveOut(
    `${name}.present`,
    `FALSE while ${controller} is not present`,
    `${name} is on ${controller}, which is not present.`,
  );
  return false;
}

function readMode(reading: ModelReading, name: string): DiskMode {
  const key = `${name}.mode`;
  // An old spelling. Without this case the disk would count as persistent, and be written.
  if (reading.text(key)?.toLowerCase() === 'nonpersistent') return 'independent-nonpersistent';
  return reading.choice(key, diskModes, 'persistent');
}

const emptyNames = new Set(['auto detect', 'emptybackingstring', '']);

function readCdrom(reading: ModelReading, slot: StorageSlot, type: string): Cdrom {
  const name = slotName(slot);
  const file = reading.text(`${name}.fileName`) ?? '';
  // cdrom-raw and atapi-cdrom are drives of the host, which Kame does not support: the guest gets an empty drive.
  const isImage = type === 'cdrom-image' && !emptyNames.has(file.toLowerCase());
  return {
    ...slot,
    fileName: isImage ? file : null,
    startConnected: reading.flag(`${name}.startConnected`, true),
  };
}

const diskTypes = new Set(['', 'disk', 'scsi-harddisk', 'ata-harddisk']);
const cdromTypes = new Set(['cdrom-image', 'atapi-cdrom', 'cdrom-raw']);

function readDisk(reading: ModelReading, slot: StorageSlot): Disk | undefined {
  const name = slotName(slot);
  const fileName = reading.text(`${name}.fileName`);
  if (fileName === undefined) {
    reading.leaveOut(`${name}.fileName`, 'the path of a disk image', `The disk ${name} has no fileName.`);
    return undefined;
  }
  return { ...slot, fileName, mode: readMode(reading, name) };
}

/**
 * The controllers, disks and CD drives of a document.
 * @param scsi the model of a SCSI controller that no key names
 */
export function readStorage(reading: ModelReading, scsi: ControllerModel): Storage {
  const slots = findSlots(reading);
  const controllers = readControllers(reading, slots, scsi);
  const disks: Disk[] = [];
  const cdroms: Cdrom[] = [];
  for (const slot of slots) {
    const name = slotName(slot);
    if (!reading.flag(`${name}.present`, false) || !isReachable(reading, slot, controllers)) continue;
    const type = (reading.text(`${name}.deviceType`) ?? '').toLowerCase();
    if (cdromTypes.has(type)) {
      cdroms.push(readCdrom(reading, slot, type));
    } else if (diskTypes.has(type)) {
      const disk = readDisk(reading, slot);
      if (disk) disks.push(disk);
    } else {
      reading.odd(`${name}.deviceType`, 'disk, cdrom-image, atapi-cdrom or cdrom-raw', `Ignoring ${name}`);
    }
  }
  return { controllers, disks, cdroms };
}
