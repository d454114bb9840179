import type { Disk } from './format/disk.ts';
import { openVdi } from './vdi/vdi-disk.ts';
import { openVhdx } from './vhdx/vhdx-disk.ts';
import { openVmdk } from './vmdk/vmdk-disk.ts';

const openers = { vmdk: openVmdk, vhdx: openVhdx, vdi: openVdi } as const;

/** A format of others that Kame reads itself, and on which no machine runs. */
export type ForeignFormat = keyof typeof openers;

export interface ForeignImage {
  readonly path: string;
  readonly format: ForeignFormat;
}

/** Whether an image has one of those formats. */
export function isForeign<Image extends { readonly format: string }>(
  image: Image,
): image is Extract<Image, { readonly format: ForeignFormat }> {
  return Object.hasOwn(openers, image.format);
}

/**
 * Opens a disk of another program for reading. The caller must dispose of it.
 * @throws KameError NO_SUCH_IMAGE, FILE_ACCESS, BAD_IMAGE naming what is invalid or unsupported
 */
export async function openForeign({ path, format }: ForeignImage): Promise<Disk> {
  return await openers[format](path);
}
