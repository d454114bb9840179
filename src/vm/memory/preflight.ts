import { KameError } from '../../core/errors.ts';
import { depthOf, maxLayers, type Layer } from '../../disk/chain.ts';
import { saveBlockers } from '../../qemu/migration.ts';
import { slotName } from '../../model/slots.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import type { Running } from '../host/running.ts';

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
 * Refuses what could not be saved, by name, before anything is touched: what the launch plan said of its devices, since QEMU
 * reports some only in the middle of the work, and what QEMU says now.
 * @throws KameError CHECKPOINT_BLOCKED naming each device and what to do, ENGINE_TIMEOUT
 */
export async function refuseBlocked(machine: Running): Promise<void> {
  const { blockers } = machine.record;
  const reported = await saveBlockers(machine.engine);
  if (blockers.length === 0 && reported.length === 0) return;
  const reasons = [...blockers.map(({ device }) => device), ...reported];
  throw new KameError(
    'CHECKPOINT_BLOCKED',
    `Cannot save the memory of ${machine.name}. What is in the way: ${reasons.join('; ')}.`,
    {
      next: [
        ...blockers.map(({ remedy }) => remedy),
        'Without memory it works: --disk-only, or stop the machine first.',
      ].join(' '),
      details: { machine: machine.name },
    },
  );
}
