import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeMonolithicSparse } from '../../disk/vmdk/monolithic-sparse.ts';
import { writeVmx } from '../../store/bundle.ts';
import { writeFully } from '../../sys/write-fully.ts';
import { descriptorOf, manifestOf, packDisk, type PackedDisk } from './appliance.ts';
import type { DoneDisk, ExportJob } from './job.ts';

/** An empty file that is filled, and synced at the end. */
async function filled<T>(
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

/** Writes a `.vmx` and monolithicSparse disks into a directory. */
export async function writeBundle(directory: string, job: ExportJob): Promise<readonly DoneDisk[]> {
  const disks: DoneDisk[] = [];
  for (const disk of job.disks) {
    const write = async (file: Parameters<typeof writeFully>[0]) => {
      const writeAt = async (bytes: Buffer, position: number) => await writeFully(file, [bytes], position);
      const written = await writeMonolithicSparse(disk.disk, disk.facts, writeAt, job.progress);
      await file.truncate(written.bytes);
      return written;
    };
    disks.push({ ...disk, ...(await filled(join(directory, disk.facts.fileName), write)) });
  }
  await writeVmx(join(directory, `${job.stem}.vmx`), job.portable.document);
  return disks;
}
