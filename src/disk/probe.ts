import type { ForeignFormat } from './foreign-disk.ts';
import { ImageFile, badImage } from './format/image-file.ts';
import { checkQcow2, hasQcow2Magic, type Qcow2Facts } from './qcow2-header.ts';

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

interface Foreign {
  readonly name: string;
  readonly at: number;
  readonly magic: string | readonly number[];
  readonly advice: string;
}

const convertBy = (format: string): string =>
  `\`qemu-img convert -f ${format} -O qcow2 OLD NEW\`, then use NEW instead.`;
const byQemuImg = (format: string): string => `If you trust the file, run ${convertBy(format)}`;
const unpack = (tool: string): string => `Unpack it with \`${tool}\`, then use the image inside.`;

/** Formats that are recognised only to reject them by name. Negative offsets count from the end of the file. */
const foreign: readonly Foreign[] = [
  { name: 'a LUKS container', at: 0, magic: 'LUKS\u00ba\u00be', advice: 'Decrypt it at its source.' },
  { name: 'a VHD disk', at: 0, magic: 'conectix', advice: byQemuImg('vpc') },
  { name: 'a VHD disk', at: -512, magic: 'conectix', advice: byQemuImg('vpc') },
  { name: 'a QED disk', at: 0, magic: 'QED\0', advice: byQemuImg('qed') },
  {
    name: 'an Apple disk image (DMG)',
    at: -512,
    magic: 'koly',
    advice: 'On a Mac, convert it with `hdiutil convert OLD -format UDTO -o NEW`.',
  },
  {
    name: 'an Apple sparse image (ASIF)',
    at: 0,
    magic: 'shdw',
    advice: 'On a Mac, convert it to raw with `diskutil image`.',
  },
  { name: 'a Parallels disk', at: 0, magic: 'WithoutFreeSpace', advice: byQemuImg('parallels') },
  { name: 'a Parallels disk', at: 0, magic: 'WithouFreSpacExt', advice: byQemuImg('parallels') },
  { name: 'compressed with gzip', at: 0, magic: [0x1f, 0x8b], advice: unpack('gunzip') },
  { name: 'compressed with xz', at: 0, magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], advice: unpack('unxz') },
  { name: 'compressed with zstd', at: 0, magic: [0x28, 0xb5, 0x2f, 0xfd], advice: unpack('unzstd') },
  { name: 'compressed with bzip2', at: 0, magic: 'BZh', advice: unpack('bunzip2') },
  { name: 'a ZIP archive', at: 0, magic: 'PK\u0003\u0004', advice: unpack('unzip') },
  { name: 'a tar archive, such as an OVA', at: 257, magic: 'ustar', advice: unpack('tar -xf') },
];

const headBytes = 34 * 1024;

function hasMagic(buffer: Buffer, at: number, magic: string | readonly number[]): boolean {
  const bytes = Buffer.from(typeof magic === 'string' ? Buffer.from(magic, 'latin1') : magic);
  return buffer.length >= at + bytes.length && buffer.subarray(at, at + bytes.length).equals(bytes);
}

function refuseForeign(path: string, head: Buffer, tail: Buffer, wanted: ProbeOptions['wanted']): void {
  const found = foreign.find(({ at, magic }) =>
    at < 0 ? hasMagic(tail, tail.length + at, magic) : hasMagic(head, at, magic),
  );
  if (!found) return;
  const advice =
    wanted === 'cd' && found.name.endsWith('disk')
      ? 'Give the image of an installation CD, an ISO.'
      : found.advice;
  throw badImage(path, `is ${found.name}, which is not supported`, advice);
}

/** Whether a file is a VMDK: a sparse extent, or a text descriptor that lists extents. */
function isVmdk(head: Buffer): boolean {
  if (hasMagic(head, 0, 'KDMV') || hasMagic(head, 0, 'COWD')) return true;
  return /^(?:\s|#(?! Disk DescriptorFile)[^\n]*\n)*# Disk DescriptorFile/iu.test(
    head.toString('latin1', 0, 1024),
  );
}

/** The format of others that a file has, by its beginning. */
function foreignFormatOf(head: Buffer): ForeignFormat | undefined {
  if (isVmdk(head)) return 'vmdk';
  if (hasMagic(head, 0, 'vhdxfile')) return 'vhdx';
  return hasMagic(head, 64, [0x7f, 0x10, 0xda, 0xbe]) ? 'vdi' : undefined;
}

/**
 * Whether a file has the content of a qcow2 or a VMDK; undefined for anything else: a raw disk cannot be told from other files.
 * Links are not followed.
 * @throws KameError NO_SUCH_IMAGE, BAD_IMAGE, FILE_ACCESS
 */
export async function diskFormatOf(path: string): Promise<'qcow2' | 'vmdk' | undefined> {
  await using file = await ImageFile.open(path, { follow: false });
  const head = await file.readUpTo(0, 1024);
  if (hasQcow2Magic(head)) return 'qcow2';
  return isVmdk(head) ? 'vmdk' : undefined;
}

/** Whether a file can be read and has the content of a qcow2 or a VMDK. */
export async function isDiskImage(path: string): Promise<boolean> {
  return (await diskFormatOf(path).catch(() => undefined)) !== undefined;
}

function hasPartitionTable(head: Buffer): boolean {
  return (
    hasMagic(head, 510, [0x55, 0xaa]) || hasMagic(head, 512, 'EFI PART') || hasMagic(head, 4096, 'EFI PART')
  );
}

/**
 * Determines the format of an image file, and rejects what is dangerous, damaged or unsupported. A file with the
 * signature of one format is never treated as another: raw requires a partition table, or `allowRaw`.
 * @throws KameError NO_SUCH_IMAGE, BAD_IMAGE naming the file, the reason and any file it refers to, FILE_ACCESS
 */
export async function probeImage(path: string, options: ProbeOptions = {}): Promise<ProbedImage> {
  await using file = await ImageFile.open(path);
  const common = { path, fileSize: file.size };
  if (file.size === 0) throw badImage(path, 'is empty', 'Get the file again from its source or a backup.');
  const head = await file.readUpTo(0, headBytes);
  if (hasQcow2Magic(head)) return { ...common, format: 'qcow2', ...(await checkQcow2(file)) };
  const foreignFormat = foreignFormatOf(head);
  if (foreignFormat) return { ...common, format: foreignFormat };
  if (file.size < 512) throw badImage(path, `is only ${file.size} bytes long, too short for a disk`);
  refuseForeign(path, head, await file.readUpTo(file.size - 512, 512), options.wanted);
  if (hasMagic(head, 32_769, 'CD001')) return { ...common, format: 'iso' };
  if (!hasPartitionTable(head) && options.allowRaw !== true) {
    throw badImage(
      path,
      'has an unknown format: it has neither a partition table nor the header of a disk image',
      `If it is a raw disk without partitions, run ${convertBy('raw')}`,
    );
  }
  return { ...common, format: 'raw', virtualSize: Math.ceil(file.size / 512) * 512 };
}
