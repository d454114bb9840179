import { KameError } from '../../src/core/errors.ts';
import type { Disk } from '../../src/disk/format/disk.ts';

/** Reads a whole disk of at most 64 MiB; returns its bytes, or the error. */
export async function readDisk(open: () => Promise<Disk>): Promise<Buffer | string> {
  try {
    await using disk = await open();
    const bytes = Buffer.alloc(Math.min(disk.size, 1 << 26));
    for await (const { offset, data } of disk.blocks()) data.copy(bytes, offset);
    return bytes;
  } catch (error) {
    return error instanceof KameError
      ? `${error.code}: ${error.message}`
      : `NOT A KAME ERROR ${String(error)}`;
  }
}

/** Where the bytes of a disk differ from what is expected, or the error; empty if they are the same. */
export function difference(found: Buffer | string, expected: Buffer): string {
  if (typeof found === 'string') return found;
  if (found.equals(expected)) return '';
  const at = expected.findIndex((byte, index) => byte !== found[index]);
  return `It has ${found.length} bytes instead of ${expected.length}, and is different from byte ${at} on.`;
}
