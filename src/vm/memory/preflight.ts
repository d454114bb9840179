import { KameError } from '../../core/errors.ts';
import { depthOf, maxLayers, type Layer } from '../../disk/chain.ts';
import { saveBlockers } from '../../qemu/migration.ts';
import { slotName } from '../../model/slots.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import type { Running } from '../host/running.ts';

/** A device that QEMU can't save, and the way around it. */
interface Blocker {
  readonly device: string;
  readonly remedy: string;
}

/** What is known of devices without asking: QEMU tells of some only in the middle of the work. */
function knownBlockers(bundle: Bundle): Blocker[] {
  const { model } = contentOf(bundle);
  const used = new Set(model.disks.map(({ bus, controller }) => `${bus}${controller}`));
  return model.controllers
    .filter(({ model, bus, index }) => model === 'nvme' && used.has(`${bus}${index}`))
    .map(({ bus, index }) => ({
      device: `${bus}${index}, an NVMe controller`,
      remedy: `After a stop, kame set ${bundle.name} kame.${bus}${index}.device=virtio-blk gives it one that can be saved, if the guest has a driver for it (Linux has).`,
    }));
}

/**
 * A disk that takes one layer more must be one that can be opened, and reverted to.
 * @param chains what each slot's new layer is to go on
 * @throws KameError CHECKPOINT_BLOCKED naming the disk
 */
export function refuseDeepChains(bundle: Bundle, chains: ReadonlyMap<string, Layer>): void {
  for (const [slot, top] of chains) {
    const depth = depthOf(top);
    if (depth < maxLayers - 1) continue;
    throw new KameError(
      'CHECKPOINT_BLOCKED',
      `${slot} of ${bundle.name} has ${depth} layers already, and a disk has ${maxLayers} at most.`,
      {
        next: `kame snapshot delete ${bundle.name} LABEL merges layers that no other snapshot needs; layers that instant clones share are merged once these are deleted.`,
        details: { machine: bundle.name, slot, layers: depth },
      },
    );
  }
}

/**
 * Memory that goes back, beside a disk that does not, is a guest that writes over what it does not know of.
 * @throws KameError CHECKPOINT_BLOCKED naming the independent disks
 */
export function refuseIndependentDisks(bundle: Bundle): void {
  const { disks } = contentOf(bundle).model;
  const names = disks.filter(({ mode }) => mode !== 'persistent').map(slotName);
  if (names.length === 0) return;
  throw new KameError(
    'CHECKPOINT_BLOCKED',
    `${bundle.name} has independent disks, which stay as they are when its memory goes back: ${names.join(', ')}.`,
    {
      next: `Without memory it works: --disk-only. Or stop ${bundle.name}, and kame set ${bundle.name} ${names[0]}.mode=persistent.`,
      details: { machine: bundle.name },
    },
  );
}

/**
 * Refuses what could not be saved, by name, before anything is touched.
 * @throws KameError CHECKPOINT_BLOCKED naming each device and what to do, ENGINE_TIMEOUT
 */
export async function refuseBlocked(bundle: Bundle, machine: Running): Promise<void> {
  const known = knownBlockers(bundle);
  const told = await saveBlockers(machine.engine);
  if (known.length === 0 && told.length === 0) return;
  const reasons = [...known.map(({ device }) => device), ...told];
  throw new KameError(
    'CHECKPOINT_BLOCKED',
    `The memory of ${bundle.name} can’t be saved. What is in the way: ${reasons.join('; ')}.`,
    {
      next: [
        ...known.map(({ remedy }) => remedy),
        'Without memory it works: --disk-only, or stop the machine first.',
      ].join(' '),
      details: { machine: bundle.name },
    },
  );
}
