import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileCapped } from '../../sys/files.ts';
import type { TinyArch } from './recipe.ts';

/** A built image: its version and the paths of its parts. */
export interface TinyImage {
  readonly arch: TinyArch;
  /** Versions of Debian and the kernel, such as `12.15-6.1.0-50`. */
  readonly version: string;
  /** Path of the UEFI-bootable qcow2, which also has the partition for the data of the user. */
  readonly disk: string;
  /** Path of the kernel to boot directly. */
  readonly kernel: string;
  readonly initrd: string;
  /** Kernel parameters for booting directly; `kame.hostname=NAME` may be appended. */
  readonly commandLine: string;
}

/** The content of tiny.json, which is stored next to the files of the image. */
export interface TinyManifest {
  readonly recipe: string;
  readonly arch: TinyArch;
  readonly version: string;
  readonly kernelVersion: string;
  readonly commandLine: string;
  /** Name -> size in bytes of each file of the image. */
  readonly files: Readonly<
    Record<'disk' | 'kernel' | 'initrd', { readonly name: string; readonly size: number }>
  >;
  /** The packages from which it was built. */
  readonly packages: readonly { readonly name: string; readonly version: string; readonly sha256: string }[];
}

export const manifestName = 'tiny.json';
const maxManifestBytes = 1024 * 1024;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isFile(value: unknown): boolean {
  return (
    isRecord(value) &&
    typeof value['name'] === 'string' &&
    /^[\w.-]{1,100}$/.test(value['name']) &&
    typeof value['size'] === 'number'
  );
}

function isManifest(value: unknown): value is TinyManifest {
  if (!isRecord(value) || !isRecord(value['files'])) return false;
  const { disk, kernel, initrd } = value['files'];
  const texts = ['recipe', 'arch', 'version', 'kernelVersion', 'commandLine'];
  return texts.every((key) => typeof value[key] === 'string') && [disk, kernel, initrd].every(isFile);
}

/** The image that a manifest in `directory` describes. */
export function imageOf(manifest: TinyManifest, directory: string): TinyImage {
  const { arch, version, commandLine, files } = manifest;
  return {
    arch,
    version,
    disk: join(directory, files.disk.name),
    kernel: join(directory, files.kernel.name),
    initrd: join(directory, files.initrd.name),
    commandLine,
  };
}

/**
 * The image in `directory` if it is complete and has this architecture and recipe; otherwise undefined. A damaged image
 * does not count, since it can be built again.
 */
export async function readImage(
  directory: string,
  arch: TinyArch,
  recipe: string,
): Promise<TinyImage | undefined> {
  try {
    const value: unknown = JSON.parse(
      (await readFileCapped(join(directory, manifestName), maxManifestBytes)).toString(),
    );
    if (!isManifest(value) || value.arch !== arch || value.recipe !== recipe) return undefined;
    for (const { name, size } of Object.values(value.files)) {
      if ((await stat(join(directory, name))).size !== size) return undefined;
    }
    return imageOf(value, directory);
  } catch {
    return undefined;
  }
}
