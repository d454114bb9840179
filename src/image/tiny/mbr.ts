import { KameError } from '../../core/errors.ts';

export interface MbrPartition {
  /** 0xef: EFI system partition, 0x83: Linux. */
  readonly type: number;
  readonly startSector: number;
  readonly sectors: number;
}

const maxSectors = 0xffffffff;

/**
 * A master boot record with up to four partitions, addressed by sector alone (UEFI specification 5.2.1). It was chosen
 * over a GPT because growing a partition changes four bytes of it, which a shell script in the guest can do safely.
 * @throws KameError INVALID_VALUE when partitions overlap or are out of range
 */
export function writeMbr(signature: number, partitions: readonly MbrPartition[]): Buffer {
  const record = Buffer.alloc(512);
  record.writeUInt32LE(signature, 440);
  let end = 1;
  if (partitions.length > 4)
    throw new KameError('INVALID_VALUE', `A disk has ${partitions.length} partitions, not up to 4.`);
  for (const [index, { type, startSector, sectors }] of partitions.entries()) {
    if (startSector < end || sectors < 1 || startSector + sectors > maxSectors) {
      throw new KameError(
        'INVALID_VALUE',
        `Partition ${index + 1} of a disk starts at ${startSector} with ${sectors} sectors.`,
      );
    }
    const at = 446 + index * 16;
    // The old cylinder addresses say "beyond what can be said here".
    record.set([0, 0xfe, 0xff, 0xff, type, 0xfe, 0xff, 0xff], at);
    record.writeUInt32LE(startSector, at + 8);
    record.writeUInt32LE(sectors, at + 12);
    end = startSector + sectors;
  }
  record.writeUInt16LE(0xaa55, 510);
  return record;
}
