import { KameError } from '../../core/errors.ts';
import { readAr } from './ar.ts';
import { readTar, type TarEntry, type TarFile } from './tar.ts';
import { decompressXz } from './xz.ts';

export interface DebOptions {
  readonly name: string;
  readonly want: (entry: TarEntry) => boolean;
  readonly signal?: AbortSignal;
}

/** More than any package we use takes when unpacked: the kernel of Debian is 0.4 GB. */
const maxUnpackedBytes = 2 * 1024 ** 3;

/**
 * Reads the wanted files of a .deb: path -> entry. Writes no files and runs no maintainer scripts.
 * @throws KameError BAD_IMAGE when it is malformed, CANCELLED
 */
export async function readDeb(data: Uint8Array, options: DebOptions): Promise<Map<string, TarFile>> {
  const members = readAr(data);
  const contents = members.get('data.tar.xz');
  if (!contents) {
    throw new KameError(
      'BAD_IMAGE',
      `The package ${options.name} has no data.tar.xz, only ${[...members.keys()].join(', ')}.`,
    );
  }
  const chunks = decompressXz(contents, {
    name: options.name,
    maxBytes: maxUnpackedBytes,
    ...(options.signal ? { signal: options.signal } : {}),
  });
  const files = new Map<string, TarFile>();
  for await (const file of readTar(chunks, { name: options.name, want: options.want }))
    files.set(file.name, file);
  return files;
}
