import { badImage, type ImageFile } from '../format/image-file.ts';
import { maxVirtualSize } from '../format/limits.ts';
import { sectorBytes } from './descriptor.ts';

/**
 * The header of a sparse extent. Layout of a hosted one: VMware, "Virtual Disk Format 5.0" (vmdk_50_technote); little endian,
 * with offsets and sizes in sectors of 512 bytes.
 */
export interface SparseHeader {
  /** In sectors. */
  readonly capacity: number;
  /** Size of a grain, in bytes. */
  readonly grainBytes: number;
  readonly grainsPerTable: number;
  readonly descriptorOffset: number;
  readonly descriptorSectors: number;
  /** 0 if only the footer says where it is. */
  readonly directoryOffset: number;
  /** Where the grains begin; everything before is metadata. 0 in an ESX extent. */
  readonly overhead: number;
  readonly compressed: boolean;
  /** A grain table entry of 1 means a grain of zeros. */
  readonly hasZeroGrains: boolean;
}

const flag = { zeroGrains: 1 << 2, compressed: 1 << 16 } as const;
const directoryAtEnd = 0xffff_ffff_ffff_ffffn;
const maxGrainBytes = 4 * 1024 * 1024;
const deflate = 1;
/** With this limit, sectors converted to bytes are still exact in a double. */
const maxSectors = 2n ** 44n;

function sectors(buffer: Buffer, at: number, path: string, what: string): number {
  const value = buffer.readBigUInt64LE(at);
  if (value > maxSectors) throw badImage(path, `is damaged: its ${what} is ${value}`);
  return Number(value);
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}

/**
 * Reads the header, or the footer if only that has the offset of the grain directory, as in a streamOptimized disk,
 * whose third-last sector is the marker of the footer and whose second-last is the footer.
 * @throws KameError BAD_IMAGE
 */
export async function readSparseHeader(file: ImageFile): Promise<SparseHeader> {
  const header = parseHeader(file.path, await file.read(0, sectorBytes, 'its header'));
  if (header.directoryOffset !== 0) return header;
  if (file.size < 4 * sectorBytes) throw badImage(file.path, 'is truncated: its footer is missing');
  const bytes = await file.read(file.size - 2 * sectorBytes, sectorBytes, 'its footer');
  const footer = hasSparseMagic(bytes) ? parseHeader(file.path, bytes) : undefined;
  if (footer === undefined || footer.directoryOffset === 0) {
    throw badImage(
      file.path,
      'is truncated: its footer is missing',
      'Get the file again: its end is missing.',
    );
  }
  // The descriptor follows the header; the field for it in the footer may be empty.
  const { descriptorOffset, descriptorSectors } = header;
  return { ...footer, descriptorOffset, descriptorSectors };
}

/** Whether bytes begin as the header of a hosted sparse extent does. */
export function hasSparseMagic(head: Buffer): boolean {
  return head.toString('latin1', 0, 4) === 'KDMV';
}

/** Entries of a grain table of an ESX extent. */
const cowdGrainsPerTable = 4096;

/**
 * The header of an ESX delta or thin disk: the same tables as in a hosted extent, but numbers of 4 bytes and grains of any size
 * from a sector. Layout: block/vmdk.c in QEMU.
 */
function parseCowd(path: string, head: Buffer): SparseHeader {
  const version = head.readUInt32LE(4);
  if (version !== 1) throw badImage(path, `is an ESX disk of version ${version}; only 1 is supported`);
  const grainBytes = head.readUInt32LE(16) * sectorBytes;
  if (grainBytes > maxGrainBytes || !isPowerOfTwo(grainBytes))
    throw badImage(path, `is damaged: its grain size is ${grainBytes} bytes`);
  return {
    capacity: head.readUInt32LE(12),
    grainBytes,
    grainsPerTable: cowdGrainsPerTable,
    descriptorOffset: 0,
    descriptorSectors: 0,
    directoryOffset: head.readUInt32LE(20),
    overhead: 0,
    compressed: false,
    hasZeroGrains: false,
  };
}

/** Parses a header or footer. @throws KameError BAD_IMAGE */
export function parseHeader(path: string, head: Buffer): SparseHeader {
  if (head.toString('latin1', 0, 4) === 'COWD') return parseCowd(path, head);
  if (!hasSparseMagic(head)) throw badImage(path, 'is not a sparse extent: it has no KDMV header');
  const version = head.readUInt32LE(4);
  if (version < 1 || version > 3)
    throw badImage(path, `is a VMDK of version ${version}; only 1 to 3 are supported`);
  const flags = head.readUInt32LE(8);
  const compressed = (flags & flag.compressed) !== 0;
  const algorithm = head.readUInt16LE(77);
  if (compressed && algorithm !== deflate)
    throw badImage(path, `is compressed with method ${algorithm}, which is unknown`);
  const capacity = sectors(head, 12, path, 'capacity');
  if (capacity * sectorBytes > maxVirtualSize) {
    throw badImage(path, `has a virtual size of ${capacity * sectorBytes} bytes; the limit is 64 TiB`);
  }
  const grainBytes = sectors(head, 20, path, 'grain size') * sectorBytes;
  if (grainBytes < 4096 || grainBytes > maxGrainBytes || !isPowerOfTwo(grainBytes)) {
    throw badImage(path, `is damaged: its grain size is ${grainBytes} bytes`);
  }
  const grainsPerTable = head.readUInt32LE(44);
  if (grainsPerTable < 1 || grainsPerTable > 512) {
    throw badImage(path, `is damaged: its grain tables have ${grainsPerTable} entries`);
  }
  return {
    capacity,
    grainBytes,
    grainsPerTable,
    descriptorOffset: sectors(head, 28, path, 'descriptor offset'),
    descriptorSectors: sectors(head, 36, path, 'descriptor size'),
    directoryOffset:
      head.readBigUInt64LE(56) === directoryAtEnd ? 0 : sectors(head, 56, path, 'grain directory offset'),
    overhead: sectors(head, 64, path, 'size of metadata'),
    compressed,
    hasZeroGrains: (flags & flag.zeroGrains) !== 0,
  };
}
