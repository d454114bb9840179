import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { writeStreamOptimized } from '../../disk/vmdk/stream-optimized.ts';
import { ovfText } from '../../ovf/write-envelope.ts';
import { manifestText } from '../../ovf/write-manifest.ts';
import { writeFully } from '../../sys/write-fully.ts';
import { carriedKeys } from './config.ts';
import type { DoneDisk, ExportDisk, ExportJob } from './job.ts';

// What an OVA and an OVF with files beside it have in common.

/** A disk of an appliance that was written. */
export interface PackedDisk extends DoneDisk {
  readonly sha256: string;
}

/** Writes a disk as streamOptimized at a position of a file, in one pass. */
export async function packDisk(
  file: FileHandle,
  position: number,
  disk: ExportDisk,
  { progress }: ExportJob,
): Promise<PackedDisk> {
  const hash = createHash('sha256');
  let at = position;
  const append = async (parts: readonly Buffer[]) => {
    const here = at;
    for (const part of parts) {
      hash.update(part);
      at += part.length;
    }
    await writeFully(file, parts, here);
  };
  const written = await writeStreamOptimized(disk.disk, disk.facts, append, progress);
  return { ...disk, ...written, sha256: hash.digest('hex') };
}

/** The descriptor of an appliance. */
export function descriptorOf({ name, portable }: ExportJob, disks: readonly DoneDisk[]): Buffer {
  const { model, document } = portable;
  const all = disks.map(({ slot, facts, disk, bytes, populated }) => ({
    slot,
    fileName: facts.fileName,
    fileBytes: bytes,
    capacity: disk.size,
    populated,
  }));
  return Buffer.from(ovfText({ name, model, disks: all, extra: carriedKeys(document) }));
}

/** The manifest of an appliance, with the descriptor first. */
export function manifestOf(descriptor: string, text: Buffer, disks: readonly PackedDisk[]): Buffer {
  const own = { fileName: descriptor, sha256: createHash('sha256').update(text).digest('hex') };
  const others = disks.map(({ facts, sha256 }) => ({ fileName: facts.fileName, sha256 }));
  return Buffer.from(manifestText([own, ...others]));
}
