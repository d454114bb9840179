import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import type { CloneMachine } from '../../api/checkpoint.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { isUnwritten, layersOf, type Layer } from '../../disk/chain.ts';
import { stemOf } from '../../disk/layer-name.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { checkpointNames, isBundle, machineNames, resolveIn } from '../../store/names.ts';
import { readSnapshotFile } from '../../store/snapshot-file.ts';
import { realPathSync } from '../../sys/home.ts';
import { edit } from '../../vmx/document.ts';
import type { Snapshot } from '../../vmx/snapshots.ts';
import { buildBundle, vmxOf } from '../bundle/build.ts';
import type { Parents, RecipeDisk } from '../bundle/recipe.ts';
import type { Host } from '../host/host.ts';
import { cannot } from '../host/verbs.ts';
import { basesOf } from '../layers/bases.ts';
import { layerDirectories, snapshotChain } from '../layers/chains.ts';
import { currentFiles, originalsOf, parentNameFor, type SlotFiles } from '../layers/layers.ts';
import { linkWithParents, parentsOf, relatedTo } from '../layers/parents.ts';
import { refuseDeepChains } from '../memory/preflight.ts';
import { frozenConfig } from '../snapshot/frozen-config.ts';
import { take } from '../snapshot/take.ts';
import { cloneConfig } from './clone-model.ts';
import { smallFiles } from './small-files.ts';

/** The state to clone: the current one of a stopped machine, or that of a snapshot. */
export interface ColdState {
  /** The configuration of that state; its relative paths refer to the source's directory. */
  readonly config: Bundle;
  readonly disks: SlotFiles;
  readonly nvram: string;
  readonly snapshot: Snapshot | null;
  readonly notes: readonly string[];
}

function snapshotState(bundle: Bundle, snapshot: Snapshot, config: Bundle): ColdState {
  const checkpoint = checkpointNames(bundle.names, String(snapshot.uid));
  const note = `The snapshot ${snapshot.displayName} includes memory; a clone boots from its disks only, as after a power failure.`;
  return {
    config: { ...config, names: bundle.names, name: bundle.name },
    disks: new Map(snapshot.disks.map(({ slot, fileName }) => [slot, fileName])),
    nvram: checkpoint.nvram,
    snapshot,
    notes: snapshot.withMemory ? [note] : [],
  };
}

/** The state that a request clones. @throws KameError NO_SUCH_SNAPSHOT, WRONG_STATE while the machine is running, without a snapshot */
export async function coldState(host: Host, bundle: Bundle, body: CloneMachine): Promise<ColdState> {
  if (body.snapshot !== undefined) {
    const { snapshot, config } = await frozenConfig(bundle, body.snapshot);
    return snapshotState(bundle, snapshot, config);
  }
  const machine = host.running.get(bundle.names.vmx);
  if (machine) {
    throw new KameError(
      'WRONG_STATE',
      `${cannot('clone', bundle.name)} while it is ${machine.state}: a ${body.kind} clone needs a stopped machine or a snapshot.`,
      {
        next: `Use --instant for a running copy, choose a snapshot with --snapshot, or stop ${bundle.name} first.`,
        details: { machine: bundle.name, state: machine.state },
      },
    );
  }
  const { model } = contentOf(bundle);
  const note = `${bundle.name} is suspended; a clone boots from its disks only, as after a power failure.`;
  return {
    config: bundle,
    disks: currentFiles(model),
    nvram: realPathSync(resolveIn(bundle.names, model.firmware.nvram)),
    snapshot: null,
    notes: model.suspendedState === '' ? [] : [note],
  };
}

/** A state that linked clones can depend on, which must be a snapshot: the current one if the disks have not changed since, or a new one. */
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
    description: 'Linked clones depend on this snapshot.',
    withMemory: false,
    quiesce: false,
  };
  return (await take(host, bundle, options, progress)).snapshot;
}

/**
 * What the disks of a clone that is not in a bundle end with. They are qcow2 all the same: programs that ask for a clone in a
 * place of their own, as vmrun lets them, look for its disks by this extension and remove other files (ADR 0046).
 */
const diskExtensionElsewhere = '.vmdk';

/** The clone's disks by slot: the content of the chain for a full clone, an empty layer on the chain for a linked one. */
function disksOf(
  kind: 'full' | 'linked',
  chains: ReadonlyMap<string, Layer>,
  extension: string,
  backingNameOf: (path: string) => string,
): Map<string, RecipeDisk> {
  const used = new Set<string>();
  const freeName = (stem: string) => {
    let name = `${stem}${extension}`;
    for (let number = 2; used.has(name); number += 1) name = `${stem}-${number}${extension}`;
    used.add(name);
    return name;
  };
  const diskOf = (top: Layer): RecipeDisk => {
    const { path, format, virtualSize } = top;
    const fileName = freeName(stemOf(path));
    return kind === 'linked'
      ? { fileName, from: 'overlay', backing: backingNameOf(path), backingFormat: format, virtualSize }
      : { fileName, from: 'chain', top };
  };
  return new Map([...chains].map(([slot, top]) => [slot, diskOf(top)]));
}

/** The chains of the state's disks, with checked headers. */
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

/** @throws KameError INVALID_VALUE when there are independent disks: they are not part of snapshots, so a clone would lack them */
function refuseIndependent(bundle: Bundle, state: ColdState): void {
  const { disks } = contentOf(state.config).model;
  if (disks.length <= state.disks.size) return;
  throw new KameError(
    'INVALID_VALUE',
    `${cannot('clone', bundle.name)}: it has independent disks, which are not part of snapshots.`,
    {
      next: 'Set the mode of these disks to persistent, or remove them from the machine first.',
      details: { machine: bundle.name },
    },
  );
}

interface ColdCloneOptions {
  readonly name: string;
  /** Where the clone goes; default: into the home. */
  readonly vmx?: string | undefined;
  readonly kind: 'full' | 'linked';
  readonly keepIdentity: boolean;
}

/** What a linked clone records of the machines whose disks it builds on. */
async function parentsFor(host: Host, bundle: Bundle, chains: ReadonlyMap<string, Layer>): Promise<Parents> {
  const parents = [bundle, ...(await parentsOf(host, bundle))];
  return {
    cloneOf: parents.map(({ names }) => names.vmx),
    sentinels: [...chains.values()].map(({ path }) => path),
    related: parents.flatMap((parent) => relatedTo(parent) ?? []),
    bases: await basesOf([...chains.values()].flatMap(layersOf).map(({ path }) => path)),
  };
}

/**
 * Creates one full or linked clone; it appears complete or not at all.
 * @returns path of its `.vmx`
 * @throws KameError ALREADY_EXISTS, BAD_IMAGE, DISK_FULL, CANCELLED
 */
export async function coldClone(
  host: Host,
  bundle: Bundle,
  state: ColdState,
  { name, kind, keepIdentity, vmx: place = vmxOf(host, name) }: ColdCloneOptions,
  progress: Progress,
): Promise<string> {
  const chains = await chainsOf(host, bundle, state, kind === 'full');
  if (kind === 'linked') refuseDeepChains(bundle, chains);
  refuseIndependent(bundle, state);
  const { document, model } = contentOf(state.config);
  const { stem, directory } = machineNames(place);
  const nvram = `${stem}.nvram`;
  const config = cloneConfig(document, model, { name, keepIdentity, nvram });
  const extension = isBundle(directory) ? '.qcow2' : diskExtensionElsewhere;
  const disks = disksOf(kind, chains, extension, (path) => parentNameFor(host.names, directory, path));
  const fileNames = new Map([...disks].map(([slot, { fileName }]) => [`${slot}.fileName`, fileName]));
  const files = smallFiles(bundle, model);
  if (existsSync(state.nvram)) files.push({ fileName: nvram, from: 'sparse', source: state.nvram });
  const parents = kind === 'linked' ? await parentsFor(host, bundle, chains) : undefined;
  const recipe = {
    name,
    vmx: place,
    document: edit(config.document, fileNames),
    disks: [...disks.values()],
    files,
    originals: kind === 'linked' ? originalsOf(chains.values()) : [],
    cloneOf: bundle.names.vmx,
    ...(parents ? { parents } : {}),
  };
  const vmx = await buildBundle(host, recipe, progress);
  // After a kill before that, the base is protected all the same: the clone is asked what it reads.
  if (parents) await linkWithParents(host, await host.bundles.read(vmx));
  return vmx;
}
