import { existsSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { CloneMachine } from '../../api/checkpoint.ts';
import { isUnwritten, type Layer } from '../../disk/chain.ts';
import { createOverlay } from '../../disk/overlay.ts';
import { convert } from '../../disk/qemu-img.ts';
import { createBundle } from '../../store/bundle-directory.ts';
import { contentOf, readBundle, writeVmx, type Bundle } from '../../store/bundle.ts';
import { bundleExtension, checkpointNames, resolveIn } from '../../store/names.ts';
import { readSnapshotFile } from '../../store/snapshot-file.ts';
import { copySparse } from '../../sys/copy-sparse.ts';
import { edit } from '../../vmx/document.ts';
import type { Snapshot } from '../../vmx/snapshots.ts';
import { currentFiles, type SlotFiles } from '../layers/layers.ts';
import { snapshotOf } from '../snapshot/snapshot-list.ts';
import { take } from '../snapshot/take.ts';
import { refuseDeepChains } from '../memory/preflight.ts';
import { layerDirectories, snapshotChain } from '../layers/chains.ts';
import { qemuImg } from '../engine/engine.ts';
import type { Host } from '../host/host.ts';
import { bringSmallFiles } from './bundle-files.ts';
import { cloneConfig } from './clone-model.ts';
import { inheritParents, registerClone, writeCloneOf } from '../layers/linked-clones.ts';

/** The state that is cloned: the present one of a stopped machine, or a snapshot's. */
export interface ColdState {
  /** Configuration of that time; the files it names lie in the source's directory. */
  readonly config: Bundle;
  readonly disks: SlotFiles;
  readonly nvram: string;
  readonly snapshot: Snapshot | null;
  readonly notes: readonly string[];
}

function snapshotState(bundle: Bundle, snapshot: Snapshot, config: Bundle): ColdState {
  const checkpoint = checkpointNames(bundle.names, String(snapshot.uid));
  const note = `${snapshot.displayName} was taken with memory; a clone starts from its disks alone, as after a power failure.`;
  return {
    config: { ...config, names: bundle.names, name: bundle.name },
    disks: new Map(snapshot.disks.map(({ slot: node, fileName }) => [node, fileName])),
    nvram: checkpoint.nvram,
    snapshot,
    notes: snapshot.withMemory ? [note] : [],
  };
}

/** @throws KameError NO_SUCH_SNAPSHOT, WRONG_STATE while the machine runs and no snapshot is named */
export async function coldState(host: Host, bundle: Bundle, body: CloneMachine): Promise<ColdState> {
  if (body.snapshot !== undefined) {
    const snapshot = snapshotOf(bundle, (await readSnapshotFile(bundle.names)).tree, body.snapshot);
    const { config } = checkpointNames(bundle.names, String(snapshot.uid));
    return snapshotState(bundle, snapshot, existsSync(config) ? await readBundle(config) : bundle);
  }
  const machine = host.running.get(bundle.names.vmx);
  if (machine) {
    throw new KameError(
      'WRONG_STATE',
      `${bundle.name} is ${machine.state}; a ${body.kind} clone is made of a stopped machine or of a snapshot.`,
      {
        next: `Use --instant for a running copy, name a snapshot by --snapshot, or stop ${bundle.name}.`,
        details: { machine: bundle.name },
      },
    );
  }
  const { model } = contentOf(bundle);
  const note = `${bundle.name} is suspended; a clone starts from its disks alone, as after a power failure.`;
  return {
    config: bundle,
    disks: currentFiles(model),
    nvram: resolveIn(bundle.names, model.firmware.nvram),
    snapshot: null,
    notes: model.suspendedState === '' ? [] : [note],
  };
}

/** Linked clones build on a snapshot: the one that the machine is exactly at, or a new one. */
export async function linkableState(
  host: Host,
  bundle: Bundle,
  state: ColdState,
  progress: Progress,
): Promise<{ bundle: Bundle; state: ColdState }> {
  if (state.snapshot) return { bundle, state };
  const { tree } = await readSnapshotFile(bundle.names);
  const current = tree.snapshots.find(({ uid }) => uid === tree.current);
  const paths = [...state.disks.values()].map((fileName) => resolveIn(bundle.names, fileName));
  const atCurrent = current !== undefined && !current.withMemory && (await allUnwritten(paths));
  const snapshot = atCurrent ? current : await takeBase(host, bundle, progress);
  const fresh = await host.bundles.read(bundle.names.vmx);
  return {
    bundle: fresh,
    state: { ...snapshotState(fresh, snapshot, fresh), nvram: state.nvram, notes: state.notes },
  };
}

async function allUnwritten(paths: readonly string[]): Promise<boolean> {
  for (const path of paths) {
    if (extname(path) !== '.qcow2' || !(await isUnwritten(path))) return false;
  }
  return true;
}

async function takeBase(host: Host, bundle: Bundle, progress: Progress): Promise<Snapshot> {
  const { tree } = await readSnapshotFile(bundle.names);
  const labels = new Set(tree.snapshots.map(({ displayName }) => displayName));
  let number = 1;
  while (labels.has(`Base of clones ${number}`)) number += 1;
  const options = {
    label: `Base of clones ${number}`,
    description: 'Linked clones build on it.',
    withMemory: false,
    quiesce: false,
  };
  return (await take(host, bundle, options, progress)).snapshot;
}

interface DiskWork {
  readonly host: Host;
  readonly directory: string;
  readonly kind: 'full' | 'linked';
  readonly chains: ReadonlyMap<string, Layer>;
  readonly progress: Progress;
}

/** Makes the clone's disks; returns the file of each slot. */
async function makeDisks({
  host,
  directory,
  kind,
  chains,
  progress,
}: DiskWork): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const used = new Set<string>();
  for (const [slot, top] of chains) {
    const stem = basename(top.path, extname(top.path)).replace(/-\d{6}$/, '');
    let name = `${stem}.qcow2`;
    for (let number = 2; used.has(name); number += 1) name = `${stem}-${number}.qcow2`;
    used.add(name);
    files.set(slot, name);
    const path = join(directory, name);
    if (kind === 'linked') {
      await createOverlay({
        path,
        backing: top.path,
        backingFormat: top.format,
        virtualSize: top.virtualSize,
      });
    } else {
      const options = {
        source: top.path,
        sourceFormat: top.format,
        target: path,
        targetFormat: 'qcow2' as const,
      };
      await convert({ qemuImg: await qemuImg(host), ...options, progress });
    }
  }
  return files;
}

/** Independent disks are not part of a snapshot; a clone gets copies of what they hold now. */
async function chainsOf(
  host: Host,
  bundle: Bundle,
  state: ColdState,
  tables: boolean,
): Promise<Map<string, Layer>> {
  const inside = await layerDirectories(host, bundle);
  const chains = new Map<string, Layer>();
  for (const [slot, fileName] of state.disks) {
    chains.set(slot, await snapshotChain(bundle, fileName, { inside, tables }));
  }
  return chains;
}

/**
 * Makes one full or linked clone; it appears complete or not at all.
 * @returns path of its `.vmx`
 * @throws KameError ALREADY_EXISTS, BAD_IMAGE, DISK_FULL, CANCELLED
 */
export async function coldClone(
  host: Host,
  bundle: Bundle,
  state: ColdState,
  options: { readonly name: string; readonly kind: 'full' | 'linked'; readonly keepIdentity: boolean },
  progress: Progress,
): Promise<string> {
  const { name, kind } = options;
  const chains = await chainsOf(host, bundle, state, kind === 'full');
  if (kind === 'linked') refuseDeepChains(bundle, chains);
  const { document, model } = contentOf(state.config);
  const nvram = `${name}.nvram`;
  const independent = model.disks.length > state.disks.size;
  if (independent) {
    throw new KameError(
      'INVALID_VALUE',
      `${bundle.name} has independent disks, which are in no snapshot and can’t be cloned.`,
      {
        next: 'Set their mode to persistent, or take them out of the machine first.',
      },
    );
  }
  const config = cloneConfig(document, model, { name, keepIdentity: options.keepIdentity, nvram });
  const vmx = join(host.names.machines, `${name}${bundleExtension}`, `${name}.vmx`);
  if (kind === 'linked' && state.snapshot) {
    const { uid } = state.snapshot;
    // The parent knows of the clone before there is one: what could be missing is the clone, never its base.
    await registerClone(bundle.names.vmx, vmx, (snapshot) => snapshot.uid === uid);
  }
  return await createBundle(host.names, name, async (directory) => {
    const files = await makeDisks({ host, directory, kind, chains, progress });
    await bringSmallFiles(bundle, model, directory);
    if (existsSync(state.nvram)) await copySparse(state.nvram, join(directory, nvram));
    const changes = new Map([...files].map(([slot, fileName]) => [`${slot}.fileName`, fileName]));
    await writeVmx(join(directory, `${name}.vmx`), edit(config.document, changes));
    if (kind === 'linked') {
      const parents = [bundle.names.vmx, ...(await inheritParents(bundle, vmx))];
      await writeCloneOf(
        join(directory, `${name}.vmsd`),
        parents,
        [...chains.values()].map(({ path }) => path),
      );
    }
  });
}
