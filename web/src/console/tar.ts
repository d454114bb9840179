/** A file for an archive. */
export interface TarFile {
  readonly name: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly lastModified: number;
  stream(): ReadableStream<Uint8Array>;
}

/** Who owns the files in the guest, by number. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const blockBytes = 512;
const longest = 100;
/** The largest size in 11 octal digits. */
const largest = 8 ** 11 - 1;

/** Places in a header of ustar (POSIX.1-1988), as offset and length. */
const fields = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  time: [136, 12],
  sum: [148, 8],
} as const;

function header(
  name: Uint8Array,
  size: number,
  { uid, gid }: Owner,
  seconds: number,
  type: '0' | 'L',
): Uint8Array {
  const block = new Uint8Array(blockBytes);
  const text = (at: number, value: string) => block.set(new TextEncoder().encode(value), at);
  const octal = ([at, length]: readonly [number, number], value: number) =>
    text(
      at,
      `${Math.max(0, Math.floor(value))
        .toString(8)
        .padStart(length - 1, '0')}\0`,
    );
  block.set(name.subarray(0, longest), fields.name[0]);
  octal(fields.mode, 0o644);
  octal(fields.uid, uid);
  octal(fields.gid, gid);
  octal(fields.size, size);
  octal(fields.time, seconds);
  text(156, type);
  text(257, 'ustar  \0');
  // The sum counts its own field as spaces.
  text(fields.sum[0], ' '.repeat(fields.sum[1]));
  const sum = block.reduce((total, byte) => total + byte, 0);
  text(fields.sum[0], `${sum.toString(8).padStart(6, '0')}\0 `);
  return block;
}

function padding(size: number): Uint8Array {
  return new Uint8Array((blockBytes - (size % blockBytes)) % blockBytes);
}

/** The name of a file as a name in an archive: browsers give none with a slash, a guest may be tricked by one. */
function nameOf(name: string): string {
  return name.replaceAll(/[/\0]/g, '_');
}

/** The most bytes that a file may have. */
export const maxFileBytes = largest;

/**
 * A tar archive of files, made as it is read: ustar with the long names of GNU, as `files.put` takes it.
 * @throws Error when a file changes meanwhile; what reading it throws
 */
export async function* tarOf(files: readonly TarFile[], owner: Owner): AsyncGenerator<Uint8Array> {
  for (const file of files) {
    const name = new TextEncoder().encode(nameOf(file.name));
    const { size } = file;
    const seconds = file.lastModified / 1000;
    if (name.length > longest) {
      const long = new Uint8Array(name.length + 1);
      long.set(name);
      yield header(new TextEncoder().encode('././@LongLink'), long.length, { uid: 0, gid: 0 }, 0, 'L');
      yield long;
      yield padding(long.length);
    }
    yield header(name, size, owner, seconds, '0');
    yield* contentOf(file);
    yield padding(size);
  }
  yield new Uint8Array(2 * blockBytes);
}

async function* contentOf(file: TarFile): AsyncGenerator<Uint8Array> {
  const { name, size } = file;
  const reader = file.stream().getReader();
  let read = 0;
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      read += part.value.length;
      if (read > size) break;
      yield part.value;
    }
  } finally {
    // Whoever stops reading the archive does not want the rest.
    void reader.cancel().catch(() => undefined);
  }
  if (read !== size) throw new Error(`${name} was changed while it was copied.`);
}
