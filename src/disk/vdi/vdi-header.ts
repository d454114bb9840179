import { badImage, type ImageFile } from '../format/image-file.ts';
import { maxVirtualSize } from '../format/limits.ts';

/**
 * The header of a disk of VirtualBox (VDI 1.1), little endian. Facts: VDICore.h in VirtualBox, block/vdi.c in QEMU. Offsets and
 * sizes are in bytes.
 */
export interface VdiHeader {
  readonly diskBytes: number;
  readonly blockBytes: number;
  /** Entries of the block map. */
  readonly blockCount: number;
  readonly mapAt: number;
  readonly dataAt: number;
}

const headerBytes = 512;
const signatureAt = 64;
const signature = 0xbeda107f;
const supportedVersion = 0x0001_0001;
const imageType = { dynamic: 1, fixed: 2, undo: 3, difference: 4 } as const;
/** A disk of 64 TiB in the usual blocks of 1 MiB. What is tracked for each block takes memory. */
const maxBlocks = 2 ** 26;

function checkKind(path: string, type: number): void {
  if (type === imageType.dynamic || type === imageType.fixed) return;
  if (type !== imageType.difference && type !== imageType.undo)
    throw badImage(path, `is damaged: its type is ${type}`);
  throw badImage(
    path,
    'is a difference to another disk of VirtualBox, and nothing in it says which file that is',
    'Make one disk of the snapshots first: `VBoxManage clonemedium disk OLD NEW --format VDI`.',
  );
}

function sizeOf(path: string, bytes: bigint): number {
  if (bytes === 0n) throw badImage(path, 'has no content: its size is 0');
  if (bytes > BigInt(maxVirtualSize))
    throw badImage(path, `has a virtual size of ${bytes} bytes; the limit is 64 TiB`);
  return Math.ceil(Number(bytes) / 512) * 512;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}

/** @throws KameError BAD_IMAGE naming what is invalid or unsupported */
export async function readVdiHeader(file: Pick<ImageFile, 'path' | 'read'>): Promise<VdiHeader> {
  const { path } = file;
  const head = await file.read(0, headerBytes, 'its header');
  if (head.readUInt32LE(signatureAt) !== signature) throw badImage(path, 'is not a VDI');
  const version = head.readUInt32LE(68);
  if (version !== supportedVersion)
    throw badImage(path, `is a VDI of version ${version >>> 16}.${version & 0xffff}; only 1.1 is supported`);
  checkKind(path, head.readUInt32LE(76));
  const sectorBytes = head.readUInt32LE(360);
  const blockBytes = head.readUInt32LE(376);
  const blockCount = head.readUInt32LE(384);
  const extraBytes = head.readUInt32LE(380);
  if (sectorBytes !== 512) throw badImage(path, `has sectors of ${sectorBytes} bytes instead of 512`);
  if (blockBytes < 512 || blockBytes > 2 ** 28 || !isPowerOfTwo(blockBytes))
    throw badImage(path, `is damaged: its blocks have ${blockBytes} bytes`);
  if (extraBytes !== 0) throw badImage(path, `has ${extraBytes} bytes before each block, which is unknown`);
  const diskBytes = sizeOf(path, head.readBigUInt64LE(368));
  if (blockCount > maxBlocks || blockCount < Math.ceil(diskBytes / blockBytes)) {
    throw badImage(
      path,
      `is damaged: it has ${blockCount} blocks of ${blockBytes} bytes for a disk of ${diskBytes}`,
    );
  }
  const [mapAt, dataAt] = [head.readUInt32LE(340), head.readUInt32LE(344)];
  if (mapAt < headerBytes || mapAt + blockCount * 4 > dataAt)
    throw badImage(path, `is damaged: its block map, at byte ${mapAt}, overlaps its header or its data`);
  return { diskBytes, blockBytes, blockCount, mapAt, dataAt };
}
