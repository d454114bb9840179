import { constants } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { openChain } from '../../disk/chain-disk.ts';
import type { Layer } from '../../disk/chain.ts';
import { importDisk } from '../../disk/import.ts';
import { createOverlay } from '../../disk/overlay.ts';
import { convert, createQcow2 } from '../../disk/qemu-img.ts';
import { isInPlace } from '../../disk/stand-in.ts';
import { writeMap } from '../../disk/write-map.ts';
import { writeQcow2 } from '../../disk/write-qcow2.ts';
import { readModel } from '../../model/read.ts';
import { createBundle, creatingName } from '../../store/bundle-directory.ts';
import { writeVmx } from '../../store/bundle.ts';
import { writeJournal } from '../../store/journal.ts';
import { bundleExtension, machineNames } from '../../store/names.ts';
import { writeSnapshotTree } from '../../store/snapshot-file.ts';
import { copySparse } from '../../sys/copy-sparse.ts';
import { makeHole } from '../../sys/extents.ts';
import { fileError } from '../../sys/files.ts';
import { requireFreeSpace } from '../../sys/free-space.ts';
import { linkFile } from '../../sys/link.ts';
import { emptyDocument } from '../../vmx/document.ts';
import { emptyTree } from '../../vmx/snapshot-model.ts';
import { qemuImg } from '../engine/engine.ts';
import type { Host } from '../host/host.ts';
import { agree, outsideFiles } from '../host/outside-files.ts';
import { agreeAsFor } from '../host/share-agreement.ts';
import type { Parents, Recipe, RecipeDisk, RecipeFile } from './recipe.ts';

/** The path of the `.vmx` of a new machine with that name. */
export function vmxOf(host: Host, name: string): string {
  return join(host.names.machines, `${name}${bundleExtension}`, `${name}.vmx`);
}

async function copy(source: string, path: string): Promise<void> {
  await copyFile(source, path, constants.COPYFILE_FICLONE).catch((error: unknown) => {
    throw fileError(error, path);
  });
}

async function share(source: string, path: string): Promise<void> {
  if (await linkFile(source, path)) return;
  throw new KameError(
    'FILE_ACCESS',
    `Cannot share ${source} with ${path}: they are on different file systems.`,
    {
      next: 'Move the machine into Kame’s directory of machines, or create a full clone.',
      details: { path: source },
    },
  );
}

async function writeBytes(path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(path, bytes, { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
    throw fileError(error, path);
  });
}

async function makeFile(directory: string, file: RecipeFile): Promise<void> {
  const path = join(directory, file.fileName);
  switch (file.from) {
    case 'bytes':
      return await writeBytes(path, file.bytes);
    case 'copy':
      return await copy(file.source, path);
    case 'link':
      if (!(await linkFile(file.source, path))) await copy(file.source, path);
      return;
    case 'share':
      return await share(file.source, path);
    case 'sparse':
      return await copySparse(file.source, path);
    case 'hole':
      return await makeHole(path, file.sizeBytes);
  }
}

/** Our own reader reads what the engine’s tools cannot be given. */
async function copyChain(top: Layer, path: string, progress: Progress): Promise<void> {
  await using disk = await openChain(top);
  await requireFreeSpace(dirname(path), disk.estimate, path);
  await writeQcow2(disk, path, progress);
}

interface DiskWork {
  readonly directory: string;
  readonly qemuImg: () => Promise<string>;
  readonly sync: boolean;
  readonly progress: Progress;
}

async function makeDisk({ directory, qemuImg: program, sync, progress }: DiskWork, disk: RecipeDisk) {
  const path = join(directory, disk.fileName);
  switch (disk.from) {
    case 'nothing':
      return await createQcow2({ qemuImg: await program(), path, sizeBytes: disk.sizeBytes });
    case 'image': {
      const { source, sizeBytes } = disk;
      const size = sizeBytes === undefined ? {} : { sizeBytes };
      progress.report({ stage: 'Copying the disk' });
      await importDisk({ source, target: path, qemuImg: await program(), progress, ...size });
      return;
    }
    case 'chain': {
      if (isInPlace(disk.top)) return await copyChain(disk.top, path, progress);
      const formats = { sourceFormat: disk.top.format, targetFormat: 'qcow2' } as const;
      const files = { source: disk.top.path, target: path };
      return await convert({ qemuImg: await program(), ...files, ...formats, progress });
    }
    case 'map':
      return await writeMap(disk.plan, path, progress);
    case 'overlay': {
      const { backing, backingFormat, virtualSize } = disk;
      return await createOverlay({ path, backing, backingFormat, virtualSize, sync });
    }
  }
}

async function writeParents(directory: string, stem: string, parents: Parents): Promise<void> {
  const names = machineNames(join(directory, `${stem}.vmx`));
  const file = { document: emptyDocument(), tree: emptyTree, problems: [] };
  await writeSnapshotTree(names, file, { ...emptyTree, ...parents });
}

/** Elsewhere than in the home, the inventory knows what is incomplete. */
async function makeDirectory(
  host: Host,
  vmx: string,
  fill: (directory: string) => Promise<void>,
): Promise<void> {
  const temporary = creatingName(vmx);
  const make = async () => await createBundle(vmx, temporary, fill);
  if (host.inventory.owns(vmx)) await make();
  else await host.inventory.whileCreating(temporary, make);
}

/**
 * Creates the bundle of a new machine. It appears complete or not at all. All bundles are created here.
 * @returns path of the `.vmx`
 * @throws KameError ALREADY_EXISTS, BAD_IMAGE, DISK_FULL, FILE_ACCESS, ENGINE_MISSING, CANCELLED
 */
export async function buildBundle(host: Host, recipe: Recipe, progress: Progress): Promise<string> {
  const { name, document, disks, files, originals = [], parents, journal, cloneOf, sync = true } = recipe;
  const { vmx = vmxOf(host, name) } = recipe;
  // Whoever asked for the machine has named its files, or agreed to those of the machine that it is a clone of.
  const named = await outsideFiles(machineNames(vmx), readModel(document).model);
  await agree(host, vmx, [...named, ...originals.map((path) => ({ path }))]);
  if (cloneOf !== undefined) await agreeAsFor(host, vmx, cloneOf);
  const { stem } = machineNames(vmx);
  await makeDirectory(host, vmx, async (directory) => {
    if (journal) {
      const path = join(directory, basename(machineNames(vmx).journal));
      await writeJournal(host.names, { vmx, journal: path }, journal, { sync });
    }
    for (const file of files) await makeFile(directory, file);
    const work = { directory, qemuImg: async () => await qemuImg(host), sync, progress };
    for (const disk of disks) await makeDisk(work, disk);
    await recipe.fill?.(directory, progress, host.startInflater);
    await writeVmx(join(directory, `${stem}.vmx`), document, { sync });
    if (parents) await writeParents(directory, stem, parents);
  });
  return vmx;
}
