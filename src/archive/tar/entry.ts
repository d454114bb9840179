/** What an entry of an archive is. `link` is a hard link to an earlier file; `other` a device, a pipe or unknown. */
export type EntryType = 'file' | 'directory' | 'symlink' | 'link' | 'other';

/** An entry of a tar archive. */
export interface ArchiveEntry {
  /** Relative, without `.`, `..` and empty parts. */
  readonly path: string;
  readonly type: EntryType;
  /** Permissions, with the setuid, setgid and sticky bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** When it was last modified, in seconds since 1970. */
  readonly mtime: number;
  /** Bytes of content; 0 unless it is a file. */
  readonly size: number;
  /** Of a symbolic link, what it says; of a hard link, the path of the earlier file. Otherwise empty. */
  readonly linkName: string;
}

/** Bytes of a block. Everything in a tar archive is in whole blocks. */
export const blockBytes = 512;

/** `size` rounded up to whole blocks. */
export function inBlocks(size: number): number {
  return Math.ceil(size / blockBytes) * blockBytes;
}
