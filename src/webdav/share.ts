import type { BigIntStats } from 'node:fs';

/** A folder of the host that guests may use. */
export interface Share {
  /** Its name in the list of shared folders. */
  readonly name: string;
  /** Absolute, without links. */
  readonly path: string;
  readonly writable: boolean;
}

/** Which directory it is, however it is reached. */
export function identityOf({ dev, ino }: Pick<BigIntStats, 'dev' | 'ino'>): string {
  return `${dev}:${ino}`;
}

/** What is served, as it is at each request. */
export interface Shares {
  readonly list: readonly Share[];
  /** Directories that no guest may see, in whatever folder they are, by identityOf. */
  readonly hidden: ReadonlySet<string>;
  /** Directories that lead to hidden ones: no guest may move or remove them, since it could make others of that name. */
  readonly pinned: ReadonlySet<string>;
}

/** Extensions of directories that hold a machine. No guest may change what a machine is, or look into another one. */
const hiddenForm = /\.vmwarevm$/i;

/** Whether a guest may not see what has a name: links, devices, pipes and sockets, and the files of Kame. */
export function isHidden(shares: Shares, name: string, found: BigIntStats): boolean {
  if (found.isFile()) return false;
  return !found.isDirectory() || hiddenForm.test(name) || shares.hidden.has(identityOf(found));
}
