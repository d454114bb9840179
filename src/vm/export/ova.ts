import { open } from 'node:fs/promises';
import { blockBytes, inBlocks } from '../../archive/tar/entry.ts';
import { ustarHeader } from '../../archive/tar/header.ts';
import { endOfArchive } from '../../archive/tar-header.ts';
import { writeFully } from '../../sys/write-fully.ts';
import { descriptorOf, manifestOf, packDisk, type PackedDisk } from './appliance.ts';
import type { DoneDisk, ExportJob } from './job.ts';

/** A size with as many digits as any other, or more. */
const longest = Number.MAX_SAFE_INTEGER;

/**
 * Writes an OVA: the descriptor, the manifest, then the disks, in the order that DSP0243 asks for. What stands before the disks
 * depends on them, so room is left for it, and it is written last; the disks themselves are written once.
 * @param seconds the time of all entries, since 1970
 * @throws what writing and reading throw; the caller removes the file
 */
export async function writeOva(path: string, job: ExportJob, seconds: number): Promise<readonly DoneDisk[]> {
  const names = { descriptor: `${job.stem}.ovf`, manifest: `${job.stem}.mf` };
  const room = job.disks.map((disk) => ({
    ...disk,
    bytes: longest,
    populated: longest,
    sha256: '0'.repeat(64),
  }));
  const descriptorBytes = descriptorOf(job, room).length;
  const manifestBytes = manifestOf(names.descriptor, Buffer.alloc(0), room).length;
  const header = (name: string, size: number) => Buffer.from(ustarHeader(name, size, seconds).buffer);
  const file = await open(path, 'wx', 0o600);
  try {
    let position = 2 * blockBytes + inBlocks(descriptorBytes) + inBlocks(manifestBytes);
    const disks: PackedDisk[] = [];
    for (const disk of job.disks) {
      const packed = await packDisk(file, position + blockBytes, disk, job);
      await writeFully(file, [header(disk.facts.fileName, packed.bytes)], position);
      position += blockBytes + inBlocks(packed.bytes);
      disks.push(packed);
    }
    await writeFully(file, [endOfArchive], position);
    // XML may end with spaces.
    const descriptor = Buffer.alloc(descriptorBytes, ' ');
    descriptorOf(job, disks).copy(descriptor);
    const manifest = manifestOf(names.descriptor, descriptor, disks);
    const start = [
      header(names.descriptor, descriptor.length),
      padded(descriptor),
      header(names.manifest, manifest.length),
      padded(manifest),
    ];
    await writeFully(file, start, 0);
    await file.datasync();
    return disks;
  } finally {
    await file.close();
  }
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content], inBlocks(content.length));
}
