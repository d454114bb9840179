import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { depthOf, maxLayers, type Layer } from '../../disk/chain.ts';
import { slotName } from '../../model/slots.ts';
import { saveBlockers } from '../../qemu/migration.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import type { Running } from '../host/running.ts';

/**
 * Refuses a new layer on a disk whose chain would exceed the limit: the disk could not be opened, nor reverted to.
 * @param chains the chain that each slot's new layer is based on
 * @throws KameError CHECKPOINT_BLOCKED naming the disk
 */
export function refuseDeepChains(bundle: Bundle, chains: ReadonlyMap<string, Layer>): void {
  for (const [slot, top] of chains) {
    const depth = depthOf(top);
    if (depth < maxLayers - 1) continue;
    throw new KameError(
      'CHECKPOINT_BLOCKED',
      `${slot} of ${bundle.name} already has ${depth} layers; the limit is ${maxLayers}.`,
      {
        next: `Delete snapshots with kame snapshot delete ${bundle.name} LABEL: this merges layers that no other snapshot needs. Layers shared with instant clones are merged once these clones are deleted.`,
        details: { machine: bundle.name, slot, layers: depth },
      },
    );
  }
}

/**
 * Refuses to save the memory of a machine with independent disks. A revert would restore the memory but not these disks,
 * and the guest's cached view would then corrupt their file systems.
 * @throws KameError CHECKPOINT_BLOCKED naming the independent disks
 */
export function refuseIndependentDisks(bundle: Bundle): void {
  const { disks } = contentOf(bundle).model;
  const names = disks.filter(({ mode }) => mode !== 'persistent').map(slotName);
  if (names.length === 0) return;
  throw new KameError(
    'CHECKPOINT_BLOCKED',
    `Cannot save the memory of ${bundle.name}: it has independent disks, which a revert does not restore: ${names.join(', ')}.`,
    {
      next: `Use --disk-only to leave out the memory, or stop ${bundle.name} and run kame set ${bundle.name} ${names[0]}.mode=persistent.`,
      details: { machine: bundle.name },
    },
  );
}

/**
 * Refuses to save the memory of a machine with devices that cannot be saved, before anything is changed. The launch plan
 * knows some of these devices, since QEMU reports them only during the save; QEMU reports the others now.
 * @throws KameError CHECKPOINT_BLOCKED naming each device and its remedy, ENGINE_TIMEOUT, CANCELLED
 */
export async function refuseBlocked(machine: Running, progress: Progress): Promise<void> {
  const { blockers } = machine.record;
  const reported = await saveBlockers(machine.engine.for(progress));
  if (blockers.length === 0 && reported.length === 0) return;
  const reasons = [...blockers.map(({ device }) => device), ...reported];
  throw new KameError(
    'CHECKPOINT_BLOCKED',
    `Cannot save the memory of ${machine.name}. Blocked by: ${reasons.join('; ')}.`,
    {
      next: [
        ...blockers.map(({ remedy }) => remedy),
        'Or use --disk-only to leave out the memory, or stop the machine first.',
      ].join(' '),
      details: { machine: machine.name },
    },
  );
}
