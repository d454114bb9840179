import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import type { ExportedMachine, ExportMachine } from '../../api/export.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { openChain } from '../../disk/chain-disk.ts';
import { layersOf, type Layer } from '../../disk/chain.ts';
import { stampOf } from '../../disk/file-stamp.ts';
import type { VmdkFacts } from '../../disk/vmdk/descriptor-text.ts';
import type { Disk, MachineModel } from '../../model/machine.ts';
import { slotName } from '../../model/slots.ts';
import { placingName } from '../../store/bundle-directory.ts';
import type { Bundle } from '../../store/bundle.ts';
import { requireFreeSpace } from '../../sys/free-space.ts';
import { findBundle } from '../host/find.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { portableConfig } from './config.ts';
import { destinationOf, type Destination } from './destination.ts';
import { writeBundle, writeOvf } from './files.ts';
import type { DoneDisk, ExportDisk, ExportJob } from './job.ts';
import { notesOf } from './notes.ts';
import { writeOva } from './ova.ts';
import { publish, type PublishedFile } from './publish.ts';
import { exportState, refuseUnstable, type ExportState } from './state.ts';

/** Few disks are compressed to less than this part, so less free space than that is not worth an attempt. */
const leastCompressed = 0.2;

function adapterOf({ controllers }: MachineModel, disk: Disk): VmdkFacts['adapter'] {
  if (disk.bus === 'ide') return 'ide';
  const isBuslogic = controllers.some(
    ({ bus, index, model }) => bus === disk.bus && index === disk.controller && model === 'buslogic',
  );
  return isBuslogic ? 'buslogic' : 'lsilogic';
}

/** Changes with the content of a disk: it is made of what changes when its files are written to. */
async function contentIdOf(model: MachineModel, slot: string, top: Layer): Promise<string> {
  const stamps = await Promise.all(layersOf(top).map(async ({ path }) => await stampOf(path)));
  const text = JSON.stringify([model.uuid, slot, stamps.map((stamp) => [stamp?.size, stamp?.time])]);
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** The name of a disk in an export. */
function diskName(stem: string, index: number): string {
  return `${stem}-disk${index + 1}.vmdk`;
}

/** Opens all disks of the state. @param opened gets each at once, so that the caller disposes of them */
async function openDisks(
  { model, chains }: ExportState,
  stem: string,
  opened: AsyncDisposable[],
): Promise<ExportDisk[]> {
  const disks: ExportDisk[] = [];
  for (const [index, each] of model.disks.entries()) {
    const slot = slotName(each);
    const top = chains.get(slot);
    if (!top) throw new KameError('INTERNAL', `The chain of ${slot} was not read.`);
    const disk = await openChain(top);
    opened.push(disk);
    const facts = {
      fileName: diskName(stem, index),
      contentId: await contentIdOf(model, slot, top),
      adapter: adapterOf(model, each),
      hardwareVersion: model.hardwareVersion,
    };
    disks.push({ slot, disk, facts });
  }
  return disks;
}

async function requireRoom({ kind, directory, path }: Destination, { disks }: ExportJob): Promise<void> {
  const bytes = disks.reduce((sum, { disk }) => sum + disk.estimate, 0);
  await requireFreeSpace(directory, kind === 'vmwarevm' ? bytes : Math.ceil(bytes * leastCompressed), path);
}

/** When what is exported was last changed, in seconds since 1970: the same export has the same bytes. */
async function timeOf({ names }: Bundle, { snapshot }: ExportState): Promise<number> {
  const changed = snapshot?.createdAt ?? (await stat(names.vmx)).mtime;
  return Math.floor(changed.getTime() / 1000);
}

/** Writes the files of an export into a hidden directory, under the names that they keep. */
async function write(
  { kind, path, name }: Destination,
  directory: string,
  job: ExportJob,
  seconds: number,
): Promise<readonly DoneDisk[]> {
  if (kind === 'vmwarevm') return await writeBundle(directory, job);
  if (kind === 'ovf') return await writeOvf(directory, `${name}${extname(path)}`, job);
  return await writeOva(join(directory, basename(path)), job, seconds);
}

async function exportTo(
  host: Host,
  bundle: Bundle,
  destination: Destination,
  request: ExportMachine,
  progress: Progress,
): Promise<ExportedMachine> {
  progress.report({ stage: 'Checking the disks' });
  const state = await exportState(host, bundle, request.snapshot);
  const { stem } = destination;
  const fileNames = new Map(state.model.disks.map((disk, index) => [slotName(disk), diskName(stem, index)]));
  const portable = portableConfig(state.document, stem, fileNames);
  const opened: AsyncDisposable[] = [];
  try {
    const disks = await openDisks(state, stem, opened);
    const job = { name: bundle.name, stem, portable, disks, progress };
    await requireRoom(destination, job);
    const seconds = await timeOf(bundle, state);
    const notes = await notesOf(bundle, state, portable.model);
    const temporary = placingName(destination.directory);
    let done: readonly DoneDisk[] = [];
    let files: readonly PublishedFile[] = [];
    await host.inventory.whileCreating(temporary, async () => {
      files = await publish(destination, temporary, async (directory) => {
        done = await write(destination, directory, job, seconds);
        if (progress.signal.aborted)
          throw new KameError('CANCELLED', `The export of ${bundle.name} was cancelled.`);
      });
    });
    return {
      path: destination.path,
      files: [...files],
      disks: done.map(({ slot, disk, populated }) => ({ slot, sizeBytes: disk.size, dataBytes: populated })),
      notes,
    };
  } finally {
    for (const disk of opened) await disk[Symbol.asyncDispose]();
  }
}

/**
 * Writes a machine, or the state of one of its snapshots, for VMware's products: as an OVA, as an OVF with files beside it, or as
 * a bundle. It appears complete or not at all, and nothing is overwritten.
 * @throws KameError USAGE, ALREADY_EXISTS, FILE_ACCESS, WRONG_STATE, NO_SUCH_SNAPSHOT, BROKEN_MACHINE, BAD_IMAGE, INVALID_VALUE,
 * OUTSIDE_FILES, DISK_FULL, CANCELLED
 */
export async function exportMachine(
  host: Host,
  reference: string,
  request: ExportMachine,
  progress: Progress,
): Promise<ExportedMachine> {
  const found = await findBundle(host, reference);
  if (request.snapshot === undefined) refuseUnstable(host, found);
  const destination = await destinationOf(host, request.path);
  // The layers of a snapshot never change. Nothing may start a machine whose present disks are read.
  const needs = request.snapshot === undefined ? 'stopped' : 'any';
  return await hold(host, found, { verb: 'export', needs }, async ({ bundle }) => {
    if (request.snapshot === undefined) refuseUnstable(host, bundle);
    return await exportTo(host, bundle, destination, request, progress);
  });
}
