import { mkdirSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Leaves room for so many bytes of RAM files in a directory: another guest has been promised the rest.
 * @param bytes a negative number leaves none, even if other programs free some
 */
export function leaveRoom(ram: string, bytes: number): void {
  mkdirSync(ram, { recursive: true, mode: 0o700 });
  const { blocks, bavail, bsize } = statfsSync(ram);
  const total = blocks * bsize;
  const others = total - bavail * bsize;
  const path = join(ram, 'other.ram');
  writeFileSync(path, '');
  truncateSync(path, Math.max(0, Math.floor(total * 0.9) - others - bytes));
}
