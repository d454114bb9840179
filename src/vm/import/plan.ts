import type { ImportReport } from '../../api/import.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { directBootFiles } from '../../model/device-settings.ts';
import type { MachineModel } from '../../model/machine.ts';
import { refuseProblems } from '../../model/problem.ts';
import { nilUuid } from '../../model/uuid.ts';
import { validateModel } from '../../model/validate.ts';
import { applyModel } from '../../model/write.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import type { MachineNames } from '../../store/names.ts';
import { openOwn } from '../../sys/own-file.ts';
import { edit, entriesOf, foldKey, type VmxDocument } from '../../vmx/document.ts';
import type { Recipe, RecipeFile } from '../bundle/recipe.ts';
import { allBundles } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import { seedFileName } from '../library/new-machine.ts';
import { withNewIdentity } from '../running/new-identity.ts';
import { findDisks } from './disks.ts';
import { wayOf, type DiskChoice, type DiskWay } from './in-place.ts';
import { isPartlyEncrypted, notesOf } from './notes.ts';
import { fileInside } from './source.ts';

/** The key that records the original of an imported machine. */
export const originKey = 'kame.importedFrom';

/** Largest kernel, initrd or seed, in bytes. */
const maxSmallFile = 256 * 1024 * 1024;

/** Everything that an import will do. */
export interface ImportPlan {
  readonly report: ImportReport;
  readonly recipe: Recipe;
}

/** @throws KameError FILE_ACCESS for anything but a regular file, INVALID_VALUE for one that is too large */
async function requireSmall(path: string): Promise<void> {
  const file = await openOwn(path);
  try {
    const { size } = await file.stat();
    if (size > maxSmallFile)
      throw new KameError(
        'INVALID_VALUE',
        `${path} is ${size} bytes long; the limit is ${maxSmallFile} bytes.`,
      );
  } finally {
    await file.close();
  }
}

/** The kernel, initrd and seed of a machine that Kame made, and their names in the new bundle. */
async function smallFiles(names: MachineNames, { directBoot, seed }: MachineModel['kame']) {
  const wanted = [
    [directBoot?.kernel, directBootFiles.kernel],
    [directBoot?.initrd, directBootFiles.initrd],
    [seed, seedFileName],
  ] as const;
  const files: RecipeFile[] = [];
  for (const [from, fileName] of wanted) {
    if (from === undefined) continue;
    const path = await fileInside(names, from, `a file (${fileName})`);
    await requireSmall(path);
    files.push({ fileName, from: 'sparse', source: path });
  }
  return files;
}

function ownFiles(kame: MachineModel['kame']): MachineModel['kame'] {
  const { directBoot, seed } = kame;
  const kernel = directBoot && {
    ...directBoot,
    kernel: directBootFiles.kernel,
    ...(directBoot.initrd === undefined ? {} : { initrd: directBootFiles.initrd }),
  };
  return {
    ...kame,
    ...(kernel ? { directBoot: kernel } : {}),
    ...(seed === undefined ? {} : { seed: seedFileName }),
  };
}

const diskName = (index: number): string => `disk${index}.qcow2`;

/** The model of the new machine. It names no file outside its bundle: nobody has agreed to any. */
function importedModel(model: MachineModel, name: string): MachineModel {
  const { kind, secureBoot } = model.firmware;
  return {
    ...model,
    displayName: name,
    suspendedState: '',
    tpm: false,
    firmware: { kind, secureBoot, nvram: `${name}.nvram` },
    disks: model.disks.map((disk, index) => ({ ...disk, fileName: diskName(index) })),
    cdroms: model.cdroms.map((drive) => ({ ...drive, fileName: null })),
    floppies: model.floppies.map((drive) => ({ ...drive, fileName: null })),
    kame: ownFiles(model.kame),
  };
}

/** Keys that have no meaning in the new bundle: VMware's other files, its place, and what only VMware can decrypt. */
function staleKeys(document: VmxDocument): string[] {
  const stale = new Set(
    ['extendedConfigFile', 'uuid.location', 'uuid.action', 'vmx.encryptionType'].map(foldKey),
  );
  const encrypted = isPartlyEncrypted(document) ? foldKey('encryption.') : undefined;
  return entriesOf(document)
    .map(({ key }) => key)
    .filter(
      (key) => stale.has(foldKey(key)) || (encrypted !== undefined && foldKey(key).startsWith(encrypted)),
    );
}

/** The guest keeps its UUID and MAC addresses, unless a machine of the list has them. */
async function withIdentity(host: Host, model: MachineModel, name: string): Promise<MachineModel> {
  const used = (await allBundles(host)).some(({ content }) => content?.model.uuid === model.uuid);
  return used || model.uuid === nilUuid ? withNewIdentity(model, name) : model;
}

interface Wanted {
  /** Of the new machine. */
  readonly name: string;
  readonly disks: DiskChoice | undefined;
}

/**
 * Plans the import of a machine and checks all of its files, without writing anything.
 * @throws KameError BAD_IMAGE naming the file and why it cannot be imported, INVALID_VALUE, FILE_ACCESS, CANCELLED
 */
export async function planImport(
  host: Host,
  source: Bundle,
  { name, disks: choice }: Wanted,
  progress: Progress,
): Promise<ImportPlan> {
  const { document, model } = contentOf(source);
  const disks = await findDisks(source.names, model);
  const ways: DiskWay[] = [];
  for (const [index, disk] of disks.entries())
    ways.push(await wayOf(disk, diskName(index), choice, progress));
  const files = await smallFiles(source.names, model.kame);
  const imported = await withIdentity(host, importedModel(model, name), name);
  refuseProblems(validateModel(imported));
  const changes = new Map<string, string | null>(staleKeys(document).map((key) => [key, null]));
  changes.set('checkpoint.vmState', '').set(originKey, source.names.vmx);
  const before = { ...model, suspendedState: '' };
  return {
    report: {
      name,
      source: source.names.vmx,
      disks: disks.map((disk, index) => ({ ...disk, inPlace: (ways[index]?.originals.length ?? 0) > 0 })),
      ...{ eulas: [], networks: [], properties: [] },
      // What is lost comes first.
      notes: [...(await notesOf(source)), ...ways.flatMap(({ note }) => note ?? [])],
    },
    recipe: {
      name,
      document: applyModel(edit(document, changes), before, imported),
      disks: ways.flatMap((way) => way.disks),
      files,
      originals: ways.flatMap(({ originals }) => originals),
    },
  };
}
