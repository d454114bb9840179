import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileError } from '../../sys/files.ts';
import type { TinyTarget } from './recipe.ts';

export interface GuestFile {
  readonly data: Buffer;
  readonly mode: number;
}

/** The mode of a file: programs are executable, and only root may read the password file. */
function modeOf(path: string): number {
  if (path === 'etc/shadow') return 0o600;
  return path.startsWith('etc/') && !path.startsWith('etc/acpi/') ? 0o644 : 0o755;
}

/** Where the guest has kame-tools; usr/lib/kame/late starts them. */
const toolsName = 'usr/lib/kame/kame-tools';

/**
 * The files of guest/tiny by their path in the guest, with `@SERIAL@` replaced by the name of the serial console. They
 * are in alphabetical order, so that the same files yield the same image.
 * @param tools path of kame-tools for this target; the guest has none without it
 * @throws KameError FILE_ACCESS
 */
export async function readGuestFiles(
  directory: string,
  target: TinyTarget,
  tools?: string,
): Promise<Map<string, GuestFile>> {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    const paths = entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .filter((path) => !/(^|\/)(\.|README)/.test(path))
      .sort();
    const files = new Map<string, GuestFile>();
    for (const path of paths) {
      const text = await readFile(join(directory, path), 'utf8');
      files.set(path, { data: Buffer.from(text.replaceAll('@SERIAL@', target.serial)), mode: modeOf(path) });
    }
    if (tools !== undefined) files.set(toolsName, { data: await readFile(tools), mode: 0o755 });
    return files;
  } catch (error) {
    throw fileError(error, directory);
  }
}

/** A short hash of the guest files. If it changes, the image must be built again. */
export function hashGuestFiles(files: ReadonlyMap<string, GuestFile>): string {
  const hash = createHash('sha256');
  for (const [path, file] of files)
    hash.update(`${path}\0${file.mode}\0${file.data.length}\0`).update(file.data);
  return hash.digest('hex').slice(0, 16);
}
