import { KameError } from '../../core/errors.ts';
import type { Layer } from '../../disk/chain.ts';
import type { MachineModel } from '../../model/machine.ts';
import { slotName } from '../../model/slots.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import type { VmxDocument } from '../../vmx/document.ts';
import type { Snapshot } from '../../vmx/snapshots.ts';
import type { Host } from '../host/host.ts';
import { stateOf } from '../host/state.ts';
import { cannot } from '../host/verbs.ts';
import { diskChains, layerDirectories, snapshotChain } from '../layers/chains.ts';
import { frozenConfig } from '../snapshot/frozen-config.ts';

/** What is exported of a machine: its present state, or that of a snapshot. */
export interface ExportState {
  readonly document: VmxDocument;
  readonly model: MachineModel;
  /** The chains of all its disks, by slot, checked. */
  readonly chains: ReadonlyMap<string, Layer>;
  readonly snapshot: Snapshot | null;
}

/** @throws KameError WRONG_STATE unless the machine is stopped: otherwise its disks change, or lack what is in memory */
export function refuseUnstable(host: Host, bundle: Bundle): void {
  const state = stateOf(host, bundle);
  if (state === 'stopped' || state === 'broken') return;
  throw new KameError('WRONG_STATE', `${cannot('export', bundle.name)}: it is ${state}.`, {
    next:
      state === 'suspended'
        ? 'Start it and shut it down, or choose a snapshot with --snapshot: the state in memory cannot be exported.'
        : `Shut it down with \`kame stop ${bundle.name}\`, or choose a snapshot with --snapshot.`,
    details: { machine: bundle.name, state },
  });
}

/** @throws KameError INVALID_VALUE for a disk that the snapshot does not have: independent disks are in no snapshot */
function refuseMissing(bundle: Bundle, model: MachineModel, snapshot: Snapshot): void {
  const frozen = new Set(snapshot.disks.map(({ slot }) => slot));
  const missing = model.disks.map(slotName).filter((slot) => !frozen.has(slot));
  if (missing.length === 0) return;
  throw new KameError(
    'INVALID_VALUE',
    `${cannot('export', bundle.name)}: the snapshot ${snapshot.displayName} does not contain ${missing.join(', ')}, since independent disks are in no snapshot.`,
    { next: 'Shut the machine down and export it without --snapshot.', details: { machine: bundle.name } },
  );
}

/**
 * The state to export, with its disks checked down to their tables.
 * @throws KameError BROKEN_MACHINE, NO_SUCH_SNAPSHOT, INVALID_VALUE, BAD_IMAGE for a damaged disk, FILE_ACCESS, OUTSIDE_FILES
 */
export async function exportState(host: Host, bundle: Bundle, snapshot?: string): Promise<ExportState> {
  if (snapshot === undefined) {
    const { document, model } = contentOf(bundle);
    return { document, model, chains: await diskChains(host, bundle, model), snapshot: null };
  }
  const frozen = await frozenConfig(bundle, snapshot);
  const { document, model } = contentOf({ ...frozen.config, name: bundle.name });
  refuseMissing(bundle, model, frozen.snapshot);
  const inside = await layerDirectories(host, bundle);
  const chains = new Map<string, Layer>();
  for (const { slot, fileName } of frozen.snapshot.disks)
    chains.set(slot, await snapshotChain(bundle, fileName, { inside }));
  return { document, model, chains, snapshot: frozen.snapshot };
}
