import { lstatSync, statSync } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';

interface Place {
  readonly dev: bigint;
  readonly ino: bigint;
}

function idOf({ dev, ino }: Place): string {
  return `${dev}:${ino}`;
}

/** Which file or directory is at a path: its device and inode, which a move keeps. Null if there is none that can be
 * seen. */
export async function fileId(path: string, { follow = false } = {}): Promise<string | null> {
  return await (follow ? stat : lstat)(path, { bigint: true }).then(idOf, () => null);
}

/** `fileId` for where nothing can be waited for. */
export function fileIdSync(path: string, { follow = false } = {}): string | null {
  try {
    return idOf((follow ? statSync : lstatSync)(path, { bigint: true }));
  } catch {
    return null;
  }
}
