import { KameError } from '../../core/errors.ts';

export interface MbrPartition {
  /** 0xef: EFI system partition, 0x83: Linux. */
  readonly type: number;
  readonly startSector: number;
  readonly sectors: number;
}

const maxSectors = 0xffffffff;

/**
 * A master boot record with up to four partitions, addressed only by sector (UEFI specification 5.2.1). Preferred to a
 * GPT because growing a partition changes only four bytes, which a shell script in the guest can do safely.
 * @throws KameError INVALID_VALUE when partitions overlap or are out of range
 */
export function writeMbr(signature: number, partitions: readonly MbrPartition[]): Buffer {
  const record = Buffer.alloc(512);
  record.writeUInt32LE(signature, 440);
  let end = 1;
  if (partitions.length > 4)
    throw new KameError('INVALID_VALUE', `A disk can have at most 4 partitions, not ${partitions.length}.`);
  for (const [index, { type, startSector, sectors }] of partitions.entries()) {
    if (startSector < end || sectors < 1 || startSector + sectors > maxSectors) {
      throw new KameError(
        'INVALID_VALUE',
        `Partition ${index + 1} of a disk overlaps or is out of range: ${sectors} sectors from ${startSector}.`,
      );
    }
    const at = 446 + index * 16;
    // The legacy cylinder addresses have the value for "out of range".
    record.set([0, 0xfe, 0xff, 0xff, type, 0xfe, 0xff, 0xff], at);
    record.writeUInt32LE(startSector, at + 8);
    record.writeUInt32LE(sectors, at + 12);
    end = startSector + sectors;
  }
  record.writeUInt16LE(0xaa55, 510);
  return record;
}
