import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { Progress } from '../../core/progress.ts';
import { convert } from '../../disk/qemu-img.ts';
import { writeSparse } from './extents.ts';
import { buildFat } from './fat.ts';
import { writeMbr } from './mbr.ts';
import { layout, type TinyTarget } from './recipe.ts';

export interface DiskParts {
  readonly target: TinyTarget;
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array;
  readonly bootLoader: Uint8Array;
  readonly commandLine: string;
  readonly title: string;
}

function espFiles(parts: DiskParts): Map<string, Uint8Array> {
  const entry = [
    `title ${parts.title}`,
    'linux /linux',
    'initrd /initrd',
    `options ${parts.commandLine}`,
    '',
  ].join('\n');
  return new Map([
    [parts.target.bootPath, parts.bootLoader],
    ['loader/loader.conf', Buffer.from('timeout 0\ndefault kame.conf\neditor yes\n')],
    ['loader/entries/kame.conf', Buffer.from(entry)],
    ['linux', parts.kernel],
    ['initrd', parts.initrd],
  ]);
}

/**
 * Writes the disk as qcow2: an EFI system partition with boot loader, kernel and RAM disk, and a data partition, which
 * the guest formats at its first boot and grows with the disk.
 * @throws KameError DISK_FULL, FILE_ACCESS, ENGINE_MISSING, ENGINE_FAILED, CANCELLED
 */
export async function writeDisk(path: string, parts: DiskParts, progress: Progress): Promise<void> {
  const { esp, data } = layout;
  const partitions = [
    { type: 0xef, startSector: esp.start, sectors: esp.sectors },
    { type: 0x83, startSector: data.start, sectors: data.sectors },
  ];
  const volume = buildFat({
    sizeBytes: esp.sectors * 512,
    hiddenSectors: esp.start,
    label: 'KAME-ESP',
    volumeId: randomBytes(4).readUInt32LE(),
    files: espFiles(parts),
  });
  const raw = `${path}.raw`;
  try {
    await writeSparse(raw, (data.start + data.sectors) * 512, [
      { offset: 0, data: writeMbr(layout.signature, partitions) },
      ...volume.map((extent) => ({ ...extent, offset: extent.offset + esp.start * 512 })),
    ]);
    await convert({ source: raw, sourceFormat: 'raw', target: path, targetFormat: 'qcow2', progress });
  } finally {
    await rm(raw, { force: true });
  }
}
