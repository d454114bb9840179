import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Progress } from '../../core/progress.ts';
import { writeMonolithicSparse, type WriteAt } from '../../disk/vmdk/monolithic-sparse.ts';
import type { WrittenDisk } from '../../disk/vmdk/written-disk.ts';
import { writeVmx } from '../../store/bundle.ts';
import { writeFully } from '../../sys/write-fully.ts';
import { descriptorOf, manifestOf, packDisk, type PackedDisk } from './appliance.ts';
import type { DoneDisk, ExportDisk, ExportJob } from './job.ts';

/** An empty file that is filled, and synced at the end. */
export async function filled<T>(
  path: string,
  fill: (file: Awaited<ReturnType<typeof open>>) => Promise<T>,
): Promise<T> {
  const file = await open(path, 'wx', 0o600);
  try {
    const result = await fill(file);
    await file.datasync();
    return result;
  } finally {
    await file.close();
  }
}

/** Writes an OVF descriptor, with its manifest and disks beside it. @param descriptor its file name */
export async function writeOvf(
  directory: string,
  descriptor: string,
  job: ExportJob,
): Promise<readonly DoneDisk[]> {
  const disks: PackedDisk[] = [];
  for (const disk of job.disks) {
    const path = join(directory, disk.facts.fileName);
    disks.push(await filled(path, async (file) => await packDisk(file, 0, disk, job)));
  }
  const text = descriptorOf(job, disks);
  const manifest = descriptor.replace(/\.ovf$/i, '.mf');
  await writeFile(join(directory, manifest), manifestOf(descriptor, text, disks), {
    flag: 'wx',
    mode: 0o600,
    flush: true,
  });
  await writeFile(join(directory, descriptor), text, { flag: 'wx', mode: 0o600, flush: true });
  return disks;
}

/** Makes a file whose parts are written at their places, and which then gets its size. */
export async function filledInPlaces(
  path: string,
  fill: (writeAt: WriteAt) => Promise<WrittenDisk>,
): Promise<WrittenDisk> {
  return await filled(path, async (file) => {
    const written = await fill(async (bytes, position) => await writeFully(file, [bytes], position));
    await file.truncate(written.bytes);
    return written;
  });
}

/** Writes a monolithicSparse disk into a directory. */
export async function writeSparse(
  directory: string,
  { disk, facts }: Pick<ExportDisk, 'disk' | 'facts'>,
  progress: Progress,
): Promise<WrittenDisk> {
  return await filledInPlaces(
    join(directory, facts.fileName),
    async (writeAt) => await writeMonolithicSparse(disk, facts, writeAt, progress),
  );
}

/** Writes a `.vmx` and monolithicSparse disks into a directory. */
export async function writeBundle(directory: string, job: ExportJob): Promise<readonly DoneDisk[]> {
  const disks: DoneDisk[] = [];
  for (const disk of job.disks)
    disks.push({ ...disk, ...(await writeSparse(directory, disk, job.progress)) });
  await writeVmx(join(directory, `${job.stem}.vmx`), job.portable.document);
  return disks;
}
