import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Progress } from '../../core/progress.ts';
import { type Layer, layersOf } from '../../disk/chain.ts';
import { layerName, numberOf, stemOf } from '../../disk/layer-name.ts';
import { hostNameFor } from '../../core/host-label.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { resolveIn } from '../../store/names.ts';
import { syncFiles } from '../../sys/files.ts';
import { takeLock } from '../../sys/lock.ts';
import { edit } from '../../vmx/document.ts';
import { buildBundle, vmxOf } from '../bundle/build.ts';
import type { Parents, Recipe, RecipeDisk, RecipeFile } from '../bundle/recipe.ts';
import type { Host } from '../host/host.ts';
import type { NewClone, Running } from '../host/running.ts';
import { basesOf } from '../layers/bases.ts';
import { isOwnFile, originalsOf } from '../layers/layers.ts';
import { linkWithParents, parentsOf, relatedTo } from '../layers/parents.ts';
import { restore } from '../memory/restore.ts';
import type { RequestTime } from '../running/launch.ts';
import { cloneConfig } from './clone-model.ts';
import { discardClone } from './discard.ts';
import { smallFiles } from './small-files.ts';
import type { Template } from './template.ts';

/** Hard links to the source's layers in the clone's directory, with the same names. */
function sharedLayers(bundle: Bundle, chains: ReadonlyMap<string, Layer>): RecipeFile[] {
  const own = [...chains.values()].flatMap(layersOf).filter(({ path }) => isOwnFile(bundle.names, path));
  const paths = [...new Set(own.map(({ path }) => path))];
  return paths.map((path) => ({ fileName: basename(path), from: 'share', source: path }));
}

/** The clone's view of a chain: layers in the source's directory are in the clone's own. */
function movedChain(bundle: Bundle, layer: Layer, directory: string): Layer {
  const { path, backing } = layer;
  return {
    ...layer,
    path: isOwnFile(bundle.names, path) ? join(directory, basename(path)) : path,
    ...(backing ? { backing: movedChain(bundle, backing, directory) } : {}),
  };
}

/** The clone's own top layer on a chain, with the next number. */
function topOver(below: Layer, directory: string): Layer {
  return {
    path: join(directory, layerName(stemOf(below.path), numberOf(below.path) + 1)),
    format: 'qcow2',
    virtualSize: below.virtualSize,
    allocatedBytes: 0,
    links: 1,
    corrupt: false,
    backingName: dirname(below.path) === directory ? basename(below.path) : below.path,
    backing: below,
  };
}

/** The clone's disks by slot: the source's layers under an empty layer of the clone. */
function disksOf(bundle: Bundle, chains: ReadonlyMap<string, Layer>, directory: string): Map<string, Layer> {
  return new Map(
    [...chains].map(([slot, chain]) => [slot, topOver(movedChain(bundle, chain, directory), directory)]),
  );
}

function topDisk({ path, virtualSize, backing, backingName }: Layer): RecipeDisk {
  return {
    fileName: basename(path),
    from: 'overlay',
    backing: backingName ?? '',
    backingFormat: backing?.format ?? 'raw',
    virtualSize,
  };
}

/** An empty file for the EFI variables: they are part of the memory state, and QEMU writes them when the clone resumes. */
async function nvramFile(bundle: Bundle, nvram: string, fileName: string): Promise<RecipeFile[]> {
  const source = resolveIn(bundle.names, nvram);
  const sizeBytes = await stat(source).then(
    ({ size }) => size,
    () => undefined,
  );
  return sizeBytes === undefined ? [] : [{ fileName, from: 'hole', sizeBytes }];
}

/** Flushes a clone to disk, so that it survives a power failure. */
export async function syncClone(clone: Bundle): Promise<void> {
  const disks = contentOf(clone).model.disks.map((disk) => resolveIn(clone.names, disk.fileName));
  await syncFiles(clone.names.directory, [clone.names.vmx, ...disks]);
}

/** What an instant clone of a linked clone records: it builds on the same files of the same parents. */
async function parentsFor(
  host: Host,
  bundle: Bundle,
  chains: ReadonlyMap<string, Layer>,
): Promise<Parents | undefined> {
  const parents = await parentsOf(host, bundle);
  if (parents.length === 0) return undefined;
  const layers = [...chains.values()].flatMap(layersOf);
  return {
    cloneOf: parents.map(({ names }) => names.vmx),
    sentinels: [],
    related: parents.flatMap((parent) => relatedTo(parent) ?? []),
    bases: await basesOf(layers.map(({ path }) => path).filter((path) => !isOwnFile(bundle.names, path))),
  };
}

interface CloneWork {
  readonly name: string;
  readonly keepIdentity: boolean;
  readonly newClone: NewClone;
}

interface MadeClone {
  readonly vmx: string;
  readonly disks: ReadonlyMap<string, Layer>;
}

async function makeClone(
  host: Host,
  bundle: Bundle,
  { chains }: Template,
  { name, keepIdentity }: Omit<CloneWork, 'newClone'>,
  progress: Progress,
): Promise<MadeClone> {
  const { document, model } = contentOf(bundle);
  const nvram = `${name}.nvram`;
  const config = cloneConfig(document, model, { name, keepIdentity, nvram });
  const vmx = vmxOf(host, name);
  const disks = disksOf(bundle, chains, dirname(vmx));
  const fileNames = new Map([...disks].map(([slot, { path }]) => [`${slot}.fileName`, basename(path)]));
  const parents = await parentsFor(host, bundle, chains);
  const recipe: Recipe = {
    name,
    cloneOf: bundle.names.vmx,
    originals: originalsOf(chains.values()),
    document: edit(config.document, fileNames),
    disks: [...disks.values()].map(topDisk),
    files: [
      ...sharedLayers(bundle, chains),
      ...smallFiles(bundle, model),
      ...(await nvramFile(bundle, model.firmware.nvram, nvram)),
    ],
    ...(parents ? { parents } : {}),
    journal: {
      kind: 'clone',
      identity: keepIdentity ? null : { hostName: hostNameFor(name), macs: config.macs },
    },
    // After a power failure a clone is useless unless it was finished; `syncClone` flushes it then.
    sync: false,
  };
  await buildBundle(host, recipe, progress);
  if (parents) await linkWithParents(host, await host.bundles.read(vmx));
  return { vmx, disks };
}

/**
 * Creates and starts one clone from the template. Its engine starts before the template is captured, and then waits for it.
 * @throws KameError as restore; the clone is then deleted
 */
export async function instantClone(
  host: Host,
  bundle: Bundle,
  template: Template,
  work: CloneWork,
  requested: RequestTime,
  progress: Progress,
): Promise<Running> {
  const { vmx, disks } = await makeClone(host, bundle, template, work, progress);
  await host.inventory.register(vmx);
  const clone = await host.bundles.read(vmx);
  const { saved, captured } = template;
  try {
    await takeLock(clone.names.lock, 'kamed', clone.name);
    const options = {
      saved,
      copyOnWrite: saved.ram.kind === 'file',
      ahead: { saved: captured, chains: disks },
      newClone: work.newClone,
      beforeRun: () => Promise.resolve(),
    };
    return await restore(host, clone, options, requested, progress);
  } catch (error) {
    await discardClone(host, clone);
    throw error;
  }
}
