import { inflateRawSync } from 'node:zlib';
import { isForeign, openForeign, type ForeignImage } from './foreign-disk.ts';
import { ImageFile } from './format/image-file.ts';
import { probeImage } from './probe.ts';
import { checkQcow2 } from './qcow2-header.ts';
import { firstCluster } from './qcow2-tables.ts';

/** What the beginning of a disk tells about how it boots. */
export interface BootSector {
  /** It has an EFI system partition. */
  readonly efi: boolean;
  /** It has code for a BIOS. */
  readonly bios: boolean;
}

/** Protective MBR, header and the usual 128 entries of a GPT. */
const headBytes = 34 * 512;
const espType = '28732ac11ff8d211ba4b00a0c93ec93b';
const biosBootType = '4861682149646f6e744e656564454649';

/** The types of the partitions of a GPT as they are on the disk; empty without one. */
function gptTypes(head: Buffer): Set<string> {
  const types = new Set<string>();
  if (head.toString('latin1', 512, 520) !== 'EFI PART') return types;
  const size = Math.max(128, Math.min(head.readUInt32LE(512 + 84), 4096));
  for (let at = 1024; at + 16 <= head.length; at += size) types.add(head.toString('hex', at, at + 16));
  return types;
}

/** What the first 17 KiB of a disk tell; fewer bytes are as if zeros followed. */
export function readBootSector(bytes: Buffer): BootSector {
  const head = Buffer.concat([
    bytes.subarray(0, headBytes),
    Buffer.alloc(Math.max(0, headBytes - bytes.length)),
  ]);
  const types = gptTypes(head);
  const signed = head.readUInt16LE(510) === 0xaa55;
  const mbrTypes = [0, 1, 2, 3].map((entry) => head[446 + entry * 16 + 4]);
  return {
    efi: types.has(espType) || mbrTypes.includes(0xef),
    bios: types.has(biosBootType) || (signed && head.subarray(0, 440).some((byte) => byte !== 0)),
  };
}

async function foreignHead(image: ForeignImage): Promise<Buffer> {
  await using disk = await openForeign(image);
  for await (const { offset, data } of disk.blocks()) return offset === 0 ? data : Buffer.alloc(0);
  return Buffer.alloc(0);
}

async function qcow2Head(path: string): Promise<Buffer> {
  await using file = await ImageFile.open(path);
  const { mapping } = await checkQcow2(file, { tables: false });
  const cluster = await firstCluster(file, mapping);
  if (cluster === undefined) return Buffer.alloc(0);
  const stored = await file.readUpTo(cluster.offset, cluster.length);
  if (!cluster.compressed) return stored;
  try {
    return inflateRawSync(stored, { maxOutputLength: mapping.clusterSize, finishFlush: 2 });
  } catch {
    // Compressed with zstd, or damaged: whoever imports it will tell.
    return Buffer.alloc(0);
  }
}

/** The beginning of an image in any format that Kame reads. @throws KameError BAD_IMAGE, NO_SUCH_IMAGE, FILE_ACCESS */
export async function bootSectorOf(path: string): Promise<BootSector> {
  const image = await probeImage(path);
  if (isForeign(image)) return readBootSector(await foreignHead(image));
  if (image.format === 'qcow2') return readBootSector(await qcow2Head(path));
  await using file = await ImageFile.open(path);
  return readBootSector(await file.readUpTo(0, headBytes));
}
