import { diskHeaderOf, headBytes, signatureOf, tailBytes } from '../model/disk-signature.ts';
import type { ForeignFormat } from './foreign-disk.ts';
import { ImageFile, badImage } from './format/image-file.ts';
import { checkQcow2, type Qcow2Facts } from './qcow2-header.ts';

/** The format of an image, as determined by our own bounded reads; the engine never guesses it. */
export type ProbedImage =
  | ({ readonly format: 'qcow2'; readonly path: string; readonly fileSize: number } & Qcow2Facts)
  | { readonly format: 'raw'; readonly path: string; readonly fileSize: number; readonly virtualSize: number }
  | { readonly format: ForeignFormat; readonly path: string; readonly fileSize: number }
  | { readonly format: 'iso'; readonly path: string; readonly fileSize: number };

export interface ProbeOptions {
  /** Accept a file without a known signature as raw. Otherwise such a file is rejected. */
  readonly allowRaw?: boolean;
  /** What the file is for, so that the advice fits. Default: a disk. */
  readonly wanted?: 'disk' | 'cd';
}

/**
 * Whether a file has the content of a qcow2 or a VMDK; undefined for anything else: a raw disk cannot be told from other files.
 * Links are not followed.
 * @throws KameError NO_SUCH_IMAGE, BAD_IMAGE, FILE_ACCESS
 */
export async function diskFormatOf(path: string): Promise<'qcow2' | 'vmdk' | undefined> {
  await using file = await ImageFile.open(path, { follow: false });
  const format = diskHeaderOf(await file.readUpTo(0, 1024));
  return format === 'qcow2' || format === 'vmdk' ? format : undefined;
}

/** Whether a file can be read and has the content of a qcow2 or a VMDK. */
export async function isDiskImage(path: string): Promise<boolean> {
  return (await diskFormatOf(path).catch(() => undefined)) !== undefined;
}

/**
 * Determines the format of an image file, and rejects what is dangerous, damaged or unsupported. A file with the
 * signature of one format is never treated as another: raw requires a partition table, or `allowRaw`.
 * @throws KameError NO_SUCH_IMAGE, BAD_IMAGE naming the file, the reason and any file it refers to, FILE_ACCESS
 */
export async function probeImage(path: string, options: ProbeOptions = {}): Promise<ProbedImage> {
  await using file = await ImageFile.open(path);
  const common = { path, fileSize: file.size };
  const found = signatureOf({
    head: await file.readUpTo(0, headBytes),
    tail: await file.readUpTo(Math.max(0, file.size - tailBytes), tailBytes),
    sizeBytes: file.size,
  });
  if (found.format === 'qcow2') return { ...common, format: 'qcow2', ...(await checkQcow2(file)) };
  if (found.format === 'refused') {
    const isWrongDisk = options.wanted === 'cd' && found.kind === 'disk';
    const next = isWrongDisk ? 'Give the image of an installation CD, an ISO.' : found.next;
    throw badImage(path, found.reason, next);
  }
  if (found.format === 'unknown' && options.allowRaw !== true) throw badImage(path, found.reason, found.next);
  if (found.format === 'raw' || found.format === 'unknown')
    return { ...common, format: 'raw', virtualSize: Math.ceil(file.size / 512) * 512 };
  return { ...common, format: found.format };
}
