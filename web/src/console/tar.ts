import { inBlocks } from '../../../src/archive/tar/entry.ts';
import { endBytes, headerBytes } from '../../../src/archive/tar/header.ts';

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

function padding(size: number): Uint8Array {
  return new Uint8Array(inBlocks(size) - size);
}

/** The name of a file as a name in an archive: browsers give none with a slash, a guest may be tricked by one. */
function nameOf(name: string): string {
  return name.replaceAll(/[/\0]/g, '_');
}

/**
 * A tar archive of files, made as it is read, as `files.put` takes it.
 * @throws Error when a file changes meanwhile; what reading it throws
 */
export async function* tarOf(files: readonly TarFile[], owner: Owner): AsyncGenerator<Uint8Array> {
  for (const file of files) {
    const { name, size, lastModified } = file;
    yield headerBytes({
      path: nameOf(name),
      type: 'file',
      mode: 0o644,
      ...owner,
      mtime: Math.floor(lastModified / 1000),
      size,
      linkName: '',
    });
    yield* contentOf(file);
    yield padding(size);
  }
  yield endBytes;
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
