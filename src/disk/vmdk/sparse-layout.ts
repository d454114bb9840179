import { KameError } from '../../core/errors.ts';
import { sectorBytes } from './descriptor.ts';
import type { VmdkFacts } from './descriptor-text.ts';

/** Layout of the sparse extents that we write. Facts: VMware, "Virtual Disk Format 5.0" (vmdk_50_technote). */

export const grainBytes = 64 * 1024;
export const grainSectors = grainBytes / sectorBytes;
export const grainsPerTable = 512;
export const tableBytes = grainsPerTable * 4;
export const tableSectors = tableBytes / sectorBytes;
/** The descriptor follows the header. */
export const descriptorSectors = 20;
const descriptorAt = 1;

/** Flags of the header. */
export const headerFlag = {
  newLineTest: 1 << 0,
  redundantDirectory: 1 << 1,
  compressed: 1 << 16,
  markers: 1 << 17,
} as const;

/** Says in a header that a footer at the end has the place of the grain directory. */
export const directoryAtEnd = 0xffff_ffff_ffff_ffffn;

export interface HeaderFields {
  readonly version: 1 | 3;
  readonly flags: number;
  /** Size of the disk in bytes, in whole sectors. */
  readonly size: number;
  /** Sector of the redundant grain directory; 0 for none. */
  readonly redundantAt: number;
  /** Sector of the grain directory. */
  readonly directoryAt: bigint;
  /** Sectors before the first grain. */
  readonly overhead: number;
  /** Whether the descriptor is elsewhere, as that of a split disk. */
  readonly withoutDescriptor?: boolean;
}

/** The header, or footer, of a sparse extent. */
export function headerSector(fields: HeaderFields): Buffer {
  const header = Buffer.alloc(sectorBytes);
  header.write('KDMV', 0, 'latin1');
  header.writeUInt32LE(fields.version, 4);
  header.writeUInt32LE(fields.flags, 8);
  header.writeBigUInt64LE(BigInt(fields.size / sectorBytes), 12);
  header.writeBigUInt64LE(BigInt(grainSectors), 20);
  if (fields.withoutDescriptor !== true) {
    header.writeBigUInt64LE(BigInt(descriptorAt), 28);
    header.writeBigUInt64LE(BigInt(descriptorSectors), 36);
  }
  header.writeUInt32LE(grainsPerTable, 44);
  header.writeBigUInt64LE(BigInt(fields.redundantAt), 48);
  header.writeBigUInt64LE(fields.directoryAt, 56);
  header.writeBigUInt64LE(BigInt(fields.overhead), 64);
  // Damaged by a transfer that takes it for text.
  header.write('\n \r\n', 73, 'latin1');
  header.writeUInt16LE((fields.flags & headerFlag.compressed) === 0 ? 0 : 1, 77);
  return header;
}

/** Bytes in whole sectors. */
export function inSectors(bytes: number): number {
  return Math.ceil(bytes / sectorBytes) * sectorBytes;
}

/** The number of grain tables of a disk. */
export function tableCount(size: number): number {
  return Math.ceil(size / (grainBytes * grainsPerTable));
}

/** A sector as the tables hold it. @throws KameError INVALID_VALUE beyond 2 TiB, where 32 bits are not enough */
export function tableEntry({ fileName }: VmdkFacts, sector: number): number {
  if (sector <= 0xffff_ffff) return sector;
  throw new KameError(
    'INVALID_VALUE',
    `${fileName} would have more than 2 TiB, the most in a VMDK of one file.`,
    {
      next: 'Free space in the guest, or divide the disk into several.',
    },
  );
}
