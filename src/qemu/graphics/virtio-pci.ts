import { KameError } from '../../core/errors.ts';
import type { MachineBus } from './machine-bus.ts';

/** The parts of the configuration of a PCI device. */
const [commandOffset, firstBar, capabilityPointer] = [0x04, 0x10, 0x34];
/** The device answers in memory, and may read and write memory itself. */
const memoryAndMaster = 0x6;
const vendorCapability = 0x09;
/** The kinds of registers of a virtio device (virtio 1.2, 4.1.4). */
const kinds = { common: 1, notify: 2 } as const;
/** More cannot be in the configuration of a device. */
const maxCapabilities = 48;
/** Between the registers of two BARs, in bytes. */
const barSpacing = 0x400_0000;

/** Addresses of the registers of a virtio device. */
export interface VirtioRegisters {
  readonly common: number;
  readonly notify: number;
  /** Bytes between the registers to notify queues, by their numbers. */
  readonly notifyStep: number;
}

interface Region {
  readonly kind: number;
  readonly bar: number;
  readonly offset: number;
  readonly step: number;
}

async function regionsOf(bus: MachineBus, slot: number): Promise<Region[]> {
  const regions: Region[] = [];
  let at = (await bus.readConfig(slot, capabilityPointer)) & 0xfc;
  for (let count = 0; at !== 0 && count < maxCapabilities; count += 1) {
    const head = await bus.readConfig(slot, at);
    if ((head & 0xff) === vendorCapability) {
      const bar = (await bus.readConfig(slot, at + 4)) & 0xff;
      const offset = await bus.readConfig(slot, at + 8);
      const step = await bus.readConfig(slot, at + 16);
      regions.push({ kind: head >>> 24, bar, offset, step });
    }
    at = (head >>> 8) & 0xfc;
  }
  return regions;
}

/** Gives the registers of a BAR their address. */
async function placeBar(bus: MachineBus, slot: number, bar: number): Promise<number> {
  const offset = firstBar + bar * 4;
  const address = bus.window + bar * barSpacing;
  const is64Bits = ((await bus.readConfig(slot, offset)) & 0x6) === 0x4;
  await bus.writeConfig(slot, offset, address);
  if (is64Bits) await bus.writeConfig(slot, offset + 4, 0);
  return address;
}

/** Finds the registers of the virtio device in a slot of the root bus, and lets it work. @throws KameError ENGINE_FAILED */
export async function enableVirtio(bus: MachineBus, slot: number): Promise<VirtioRegisters> {
  const regions = await regionsOf(bus, slot);
  const common = regions.find(({ kind }) => kind === kinds.common);
  const notify = regions.find(({ kind }) => kind === kinds.notify);
  if (!common || !notify || common.bar > 5 || notify.bar > 5) {
    throw new KameError('ENGINE_FAILED', `There is no virtio device in slot ${slot} of the machine.`);
  }
  const places = new Map<number, number>();
  for (const bar of new Set([common.bar, notify.bar])) places.set(bar, await placeBar(bus, slot, bar));
  await bus.writeConfig(slot, commandOffset, memoryAndMaster);
  const placed = ({ bar, offset }: Region) => (places.get(bar) ?? 0) + offset;
  return { common: placed(common), notify: placed(notify), notifyStep: notify.step };
}
