/** An entry of an initial RAM disk, whose tree is never written to the file system of the host. */
export type RootEntry =
  | { readonly type: 'file'; readonly mode: number; readonly data: Uint8Array }
  | { readonly type: 'directory'; readonly mode: number }
  | { readonly type: 'symlink'; readonly target: string }
  | {
      readonly type: 'character-device';
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
    };

const types = { file: 0o100000, directory: 0o040000, symlink: 0o120000, 'character-device': 0o020000 };

function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4);
}

interface Header {
  readonly inode: number;
  readonly mode: number;
  readonly size: number;
  readonly major?: number;
  readonly minor?: number;
}

function header(name: string, { inode, mode, size, major = 0, minor = 0 }: Header): Buffer {
  const nameSize = Buffer.byteLength(name) + 1;
  const fields = [inode, mode, 0, 0, 1, 0, size, 0, 0, major, minor, nameSize, 0];
  const text = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
  const bytes = Buffer.from(text);
  return Buffer.concat([bytes, padding(bytes.length)]);
}

function modeOf(entry: RootEntry): number {
  return types[entry.type] | (entry.type === 'symlink' ? 0o777 : entry.mode);
}

/**
 * Writes a tree as cpio newc, the format that the kernel unpacks (Documentation/driver-api/early-userspace/
 * buffer-format.rst). Everything is owned by root and has the time 0, so that the same tree yields the same bytes. A
 * directory must come before its contents in the order of the Map.
 */
export function writeCpio(tree: ReadonlyMap<string, RootEntry>): Buffer {
  const parts: Uint8Array[] = [];
  let inode = 1;
  for (const [name, entry] of tree) {
    const data =
      entry.type === 'file'
        ? entry.data
        : entry.type === 'symlink'
          ? Buffer.from(entry.target)
          : Buffer.alloc(0);
    const device = entry.type === 'character-device' ? { major: entry.major, minor: entry.minor } : {};
    parts.push(
      header(name, { inode, mode: modeOf(entry), size: data.length, ...device }),
      data,
      padding(data.length),
    );
    inode += 1;
  }
  parts.push(header('TRAILER!!!', { inode: 0, mode: 0, size: 0 }));
  return Buffer.concat(parts);
}
