import { KameError } from '../../core/errors.ts';
import type { StorageBus } from '../../model/machine.ts';

/** An address on the root bus. `shared`: other functions of the slot may be in use too. */
export interface PciAddress {
  readonly slot: number;
  readonly function: number;
  readonly shared: boolean;
}

function whole(slot: number): PciAddress {
  return { slot, function: 0, shared: false };
}

/**
 * The permanent address of each device: a checkpoint can only be loaded into a machine with the same devices at the
 * same addresses, and guests name network cards after them. Slot 0 is the host bridge, 1 and 0x1f belong to the
 * chipsets; 7 and the other functions of 9 are free.
 */
export const pciPlaces = {
  display: whole(0x02),
  usb: whole(0x03),
  serialBus: whole(0x04),
  random: { slot: 0x05, function: 0, shared: true },
  balloon: { slot: 0x05, function: 1, shared: true },
  panic: { slot: 0x05, function: 2, shared: true },
  transfer: { slot: 0x05, function: 3, shared: true },
  sound: whole(0x08),
  keyboard: { slot: 0x09, function: 0, shared: true },
  tablet: { slot: 0x09, function: 1, shared: true },
  seed: whole(0x1e),
} as const satisfies Record<string, PciAddress>;

/** The slot of the ports for adapters that are added to a running machine; each is a function of it. */
const portSlot = 0x06;

/** The id of a port in QEMU, which is also the name of the bus behind it. */
export function portId(port: number): string {
  return `port${port}`;
}

/** Address of a port. */
export function portPlace(port: number): PciAddress {
  return { slot: portSlot, function: port, shared: true };
}

/** As QEMU writes it: `0xa` or `0x5.0x1`. */
export function addrText({ slot, function: nth }: PciAddress): string {
  return `0x${slot.toString(16)}${nth > 0 ? `.0x${nth.toString(16)}` : ''}`;
}

const firstNic = 0x0a;
const nicCount = 8;
const controllerSlots: Record<StorageBus, number> = { scsi: 0x12, nvme: 0x16, sata: 0x1a, ide: 0x07 };
const controllersPerBus: Record<StorageBus, number> = { scsi: 4, nvme: 4, sata: 4, ide: 1 };

/** Address of `ethernetN`. @throws KameError INVALID_VALUE after the eighth */
export function nicPlace(index: number): PciAddress {
  if (index >= nicCount) {
    throw new KameError(
      'INVALID_VALUE',
      `ethernet${index} is not supported: a machine can have ethernet0 to ethernet7.`,
    );
  }
  return whole(firstNic + index);
}

/** Address of a disk controller such as `scsi1`. @throws KameError INVALID_VALUE after the fourth of a kind */
export function controllerPlace(bus: StorageBus, index: number): PciAddress {
  if (index >= controllersPerBus[bus]) {
    throw new KameError(
      'INVALID_VALUE',
      `${bus}${index} is not supported: a machine can have ${bus}0 to ${bus}3.`,
    );
  }
  return whole(controllerSlots[bus] + index);
}

/**
 * Address of a disk that is itself a PCI device, in the slot of its controller.
 * @throws KameError INVALID_VALUE after the eighth
 */
export function diskPlace(bus: StorageBus, index: number, unit: number): PciAddress {
  if (unit > 7) {
    throw new KameError(
      'INVALID_VALUE',
      `${bus}${index}:${unit} does not exist: a virtio-blk controller has units 0 to 7.`,
      {
        next: 'Use virtio-scsi for more disks on one controller.',
      },
    );
  }
  return { slot: controllerPlace(bus, index).slot, function: unit, shared: true };
}
