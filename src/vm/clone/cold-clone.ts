import { existsSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { CloneMachine } from '../../api/checkpoint.ts';
import { isUnwritten, type Layer } from '../../disk/chain.ts';
import { createOverlay } from '../../disk/overlay.ts';
import { convert } from '../../disk/qemu-img.ts';
import { createBundle } from '../../store/bundle-directory.ts';
import { contentOf, readMachineFile, writeMachineFile, type MachineFile } from '../../store/bundle.ts';
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
  readonly config: MachineFile;
  readonly disks: SlotFiles;
  readonly nvram: string;
  readonly snapshot: Snapshot | null;
  readonly notes: readonly string[];
}

function snapshotState(file: MachineFile, snapshot: Snapshot, config: MachineFile): ColdState {
  const checkpoint = checkpointNames(file.names, String(snapshot.uid));
  const note = `${snapshot.displayName} was taken with memory; a clone starts from its disks alone, as after a power failure.`;
  return {
    config: { ...config, names: file.names, name: file.name },
    disks: new Map(snapshot.disks.map(({ node, fileName }) => [node, fileName])),
    nvram: checkpoint.nvram,
    snapshot,
    notes: snapshot.withMemory ? [note] : [],
  };
}

/** @throws KameError NO_SUCH_SNAPSHOT, WRONG_STATE while the machine runs and no snapshot is named */
export async function coldState(host: Host, file: MachineFile, body: CloneMachine): Promise<ColdState> {
  if (body.snapshot !== undefined) {
    const snapshot = snapshotOf(file, (await readSnapshotFile(file.names)).tree, body.snapshot);
    const { config } = checkpointNames(file.names, String(snapshot.uid));
    return snapshotState(file, snapshot, existsSync(config) ? await readMachineFile(config) : file);
  }
  const machine = host.running.get(file.names.vmx);
  if (machine) {
    throw new KameError(
      'WRONG_STATE',
      `${file.name} is ${machine.state}; a ${body.kind} clone is made of a stopped machine or of a snapshot.`,
      {
        next: `Use --instant for a running copy, name a snapshot by --snapshot, or stop ${file.name}.`,
        details: { machine: file.name },
      },
    );
  }
  const { spec } = contentOf(file);
  const note = `${file.name} is suspended; a clone starts from its disks alone, as after a power failure.`;
  return {
    config: file,
    disks: currentFiles(spec),
    nvram: resolveIn(file.names, spec.firmware.nvram),
    snapshot: null,
    notes: spec.suspendedState === '' ? [] : [note],
  };
}

/** Linked clones build on a snapshot: the one that the machine is exactly at, or a new one. */
export async function linkableState(
  host: Host,
  file: MachineFile,
  state: ColdState,
  progress: Progress,
): Promise<{ file: MachineFile; state: ColdState }> {
  if (state.snapshot) return { file, state };
  const { tree } = await readSnapshotFile(file.names);
  const current = tree.snapshots.find(({ uid }) => uid === tree.current);
  const paths = [...state.disks.values()].map((fileName) => resolveIn(file.names, fileName));
  const atCurrent = current !== undefined && !current.withMemory && (await allUnwritten(paths));
  const snapshot = atCurrent ? current : await takeBase(host, file, progress);
  const fresh = await host.files.read(file.names.vmx);
  return {
    file: fresh,
    state: { ...snapshotState(fresh, snapshot, fresh), nvram: state.nvram, notes: state.notes },
  };
}

async function allUnwritten(paths: readonly string[]): Promise<boolean> {
  for (const path of paths) {
    if (extname(path) !== '.qcow2' || !(await isUnwritten(path))) return false;
  }
  return true;
}

async function takeBase(host: Host, file: MachineFile, progress: Progress): Promise<Snapshot> {
  const { tree } = await readSnapshotFile(file.names);
  const labels = new Set(tree.snapshots.map(({ displayName }) => displayName));
  let number = 1;
  while (labels.has(`Base of clones ${number}`)) number += 1;
  const options = {
    label: `Base of clones ${number}`,
    description: 'Linked clones build on it.',
    withMemory: false,
    quiesce: false,
  };
  return (await take(host, file, options, progress)).snapshot;
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
  file: MachineFile,
  state: ColdState,
  tables: boolean,
): Promise<Map<string, Layer>> {
  const inside = await layerDirectories(host, file);
  const chains = new Map<string, Layer>();
  for (const [slot, fileName] of state.disks) {
    chains.set(slot, await snapshotChain(file, fileName, { inside, tables }));
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
  file: MachineFile,
  state: ColdState,
  options: { readonly name: string; readonly kind: 'full' | 'linked'; readonly keepIdentity: boolean },
  progress: Progress,
): Promise<string> {
  const { name, kind } = options;
  const chains = await chainsOf(host, file, state, kind === 'full');
  if (kind === 'linked') refuseDeepChains(file, chains);
  const { document, spec } = contentOf(state.config);
  const nvram = `${name}.nvram`;
  const independent = spec.disks.length > state.disks.size;
  if (independent) {
    throw new KameError(
      'INVALID_VALUE',
      `${file.name} has independent disks, which are in no snapshot and can’t be cloned.`,
      {
        next: 'Set their mode to persistent, or take them out of the machine first.',
      },
    );
  }
  const config = cloneConfig(document, spec, { name, keepIdentity: options.keepIdentity, nvram });
  const vmx = join(host.names.machines, `${name}${bundleExtension}`, `${name}.vmx`);
  if (kind === 'linked' && state.snapshot) {
    const { uid } = state.snapshot;
    // The parent knows of the clone before there is one: what could be missing is the clone, never its base.
    await registerClone(file.names.vmx, vmx, (snapshot) => snapshot.uid === uid);
  }
  return await createBundle(host.names, name, async (directory) => {
    const files = await makeDisks({ host, directory, kind, chains, progress });
    await bringSmallFiles(file, spec, directory);
    if (existsSync(state.nvram)) await copySparse(state.nvram, join(directory, nvram));
    const changes = new Map([...files].map(([slot, fileName]) => [`${slot}.fileName`, fileName]));
    await writeMachineFile(join(directory, `${name}.vmx`), edit(config.document, changes));
    if (kind === 'linked') {
      const parents = [file.names.vmx, ...(await inheritParents(file, vmx))];
      await writeCloneOf(
        join(directory, `${name}.vmsd`),
        parents,
        [...chains.values()].map(({ path }) => path),
      );
    }
  });
}
