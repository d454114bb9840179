import { randomBytes } from 'node:crypto';
import { realpath, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join } from 'node:path';
import type { ConvertDisk, ConvertedDisk } from '../../api/convert.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { readChain } from '../../disk/chain.ts';
import { openChain } from '../../disk/chain-disk.ts';
import type { Disk } from '../../disk/format/disk.ts';
import { badImage } from '../../disk/format/image-file.ts';
import { diskFormatOf } from '../../disk/probe.ts';
import type { VmdkFacts } from '../../disk/vmdk/descriptor-text.ts';
import { splitExtents } from '../../disk/vmdk/extents.ts';
import { flatDescriptor, flatExtents, writeFlat, type FlatKind } from '../../disk/vmdk/flat.ts';
import { splitDescriptor, writeSplitSparse } from '../../disk/vmdk/split-sparse.ts';
import { writeStreamOptimized } from '../../disk/vmdk/stream-optimized.ts';
import { openVmdk } from '../../disk/vmdk/vmdk-disk.ts';
import { defaultHardwareVersion } from '../../model/defaults.ts';
import { placingName } from '../../store/bundle-directory.ts';
import type { Bundle } from '../../store/bundle.ts';
import { fileError } from '../../sys/files.ts';
import { requireFreeSpace } from '../../sys/free-space.ts';
import { writeFully } from '../../sys/write-fully.ts';
import { readableBundles } from '../host/find.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { layerDirectories } from '../layers/chains.ts';
import { realDirectory, refuseTaken } from './destination.ts';
import { filled, filledInPlaces, writeSparse } from './files.ts';
import { FlatFiles } from './flat-files.ts';
import { publish } from './publish.ts';
import { refuseUnstable } from './state.ts';

/** What is written, and as what. */
interface Job {
  readonly disk: Disk;
  readonly facts: VmdkFacts;
  readonly kind: ConvertDisk['kind'];
}

/** The machine in whose directory a disk is; undefined if it is in none of the list. */
async function ownerOf(host: Host, source: string): Promise<Bundle | undefined> {
  const directory = dirname(source);
  return (await readableBundles(host)).bundles.find(({ names }) => names.directory === directory);
}

/** @param inside where the layers of a qcow2 may be. @throws KameError BAD_IMAGE, NO_SUCH_IMAGE, FILE_ACCESS */
async function openSource(source: string, inside: readonly string[]): Promise<Disk> {
  const format = await diskFormatOf(source);
  if (format === 'vmdk') return await openVmdk(source);
  if (format === 'qcow2') return await openChain(await readChain(source, { inside, tables: true }));
  throw badImage(source, 'is not a virtual disk', 'Give a VMDK or a qcow2.');
}

async function writeDescriptor(directory: string, { fileName }: VmdkFacts, text: string): Promise<void> {
  await writeFile(join(directory, fileName), text, { flag: 'wx', mode: 0o600, flush: true });
}

async function writeFlatDisk(
  directory: string,
  { disk, facts }: Job,
  kind: FlatKind,
  progress: Progress,
): Promise<void> {
  const extents = flatExtents(kind, facts.fileName, disk.size);
  await using files = await FlatFiles.create(directory, extents);
  await writeFlat(disk, facts, extents, async (...part) => await files.write(...part), progress);
  await files.finish();
  await writeDescriptor(directory, facts, flatDescriptor(kind, disk, facts));
}

async function writeSplitDisk(directory: string, { disk, facts }: Job, progress: Progress): Promise<void> {
  const extents = splitExtents(facts.fileName, disk.size, 's');
  const fill: Parameters<typeof writeSplitSparse>[3] = async (fileName, write) =>
    void (await filledInPlaces(join(directory, fileName), write));
  await writeSplitSparse(disk, facts, extents, fill, progress);
  await writeDescriptor(directory, facts, splitDescriptor(disk.size, facts, extents));
}

async function writeStream(directory: string, { disk, facts }: Job, progress: Progress): Promise<void> {
  await filled(join(directory, facts.fileName), async (file) => {
    let position = 0;
    const append = async (parts: readonly Buffer[]) => {
      const here = position;
      position += parts.reduce((sum, part) => sum + part.length, 0);
      await writeFully(file, parts, here);
    };
    await writeStreamOptimized(disk, facts, append, progress);
  });
}

async function write(directory: string, job: Job, progress: Progress): Promise<void> {
  const { kind, facts } = job;
  if (kind === 'monolithicSparse') await writeSparse(directory, job, progress);
  else if (kind === 'twoGbMaxExtentSparse') await writeSplitDisk(directory, job, progress);
  else if (kind === 'streamOptimized') await writeStream(directory, job, progress);
  else await writeFlatDisk(directory, job, kind, progress);
  if (progress.signal.aborted) throw new KameError('CANCELLED', `Writing ${facts.fileName} was cancelled.`);
}

/** The path of the new disk. @throws KameError USAGE, ALREADY_EXISTS, FILE_ACCESS */
async function targetOf(wanted: string): Promise<{ path: string; directory: string }> {
  if (!isAbsolute(wanted) || extname(wanted).toLowerCase() !== '.vmdk' || /["\n\r]/u.test(basename(wanted))) {
    throw new KameError('USAGE', `${wanted} is not a path for a new VMDK.`, {
      next: 'Give an absolute path that ends with .vmdk.',
    });
  }
  const directory = await realDirectory(dirname(wanted));
  const path = join(directory, basename(wanted));
  await refuseTaken(path);
  return { path, directory };
}

async function convert(
  host: Host,
  source: string,
  owner: Bundle | undefined,
  request: ConvertDisk,
  progress: Progress,
): Promise<ConvertedDisk> {
  const { path, directory } = await targetOf(request.path);
  const inside = owner ? await layerDirectories(host, owner) : [dirname(source)];
  await using disk = await openSource(source, inside);
  const facts = {
    fileName: basename(path),
    contentId: randomBytes(16).toString('hex'),
    adapter: request.adapter,
    hardwareVersion: defaultHardwareVersion,
  };
  await requireFreeSpace(directory, disk.estimate, path);
  const temporary = placingName(directory);
  let files: ConvertedDisk['files'] = [];
  await host.inventory.whileCreating(temporary, async () => {
    const place = { kind: 'vmdk', path, directory } as const;
    const job = { disk, facts, kind: request.kind };
    files = [...(await publish(place, temporary, async (hidden) => await write(hidden, job, progress)))];
  });
  return { path, sizeBytes: disk.size, files };
}

/**
 * Writes the content of a disk, with all its layers, as a new VMDK. The source is only read; if it belongs to a machine of the
 * list, that must be stopped. The new files appear complete or not at all, and nothing is overwritten.
 * @throws KameError USAGE, NO_SUCH_IMAGE, BAD_IMAGE, ALREADY_EXISTS, WRONG_STATE, BUSY, DISK_FULL, CANCELLED, FILE_ACCESS
 */
export async function convertDisk(
  host: Host,
  request: ConvertDisk,
  progress: Progress,
): Promise<ConvertedDisk> {
  const source = await realpath(request.source).catch((error: unknown) => {
    throw fileError(error, request.source);
  });
  const owner = await ownerOf(host, source);
  if (!owner) return await convert(host, source, undefined, request, progress);
  refuseUnstable(host, owner);
  return await hold(
    host,
    owner,
    { verb: 'export', needs: 'stopped' },
    async ({ bundle }) => await convert(host, source, bundle, request, progress),
  );
}
