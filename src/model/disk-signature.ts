/**
 * What the first and the last bytes of a file say that it is. The page asks it before it sends a file, and the daemon before it uses one,
 * so both give the same answer.
 */

/** The ends of a file. */
export interface FileEnds {
  /** The first `headBytes`, or all there are. */
  readonly head: Uint8Array;
  /** The last `tailBytes`, or all there are. */
  readonly tail: Uint8Array;
  readonly sizeBytes: number;
}

export const headBytes = 34 * 1024;
export const tailBytes = 512;

/** Why a file is not taken, in words that follow its name. */
interface Refusal {
  readonly reason: string;
  readonly next?: string;
}

export type Signature =
  | { readonly format: 'qcow2' | 'vmdk' | 'vhdx' | 'vdi' | 'iso' | 'raw' }
  /** It is something else. */
  | ({ readonly format: 'refused'; readonly kind: 'disk' | 'other' | 'broken' } & Refusal)
  /** Nothing tells what it is: a raw disk without partitions, or no disk at all. */
  | ({ readonly format: 'unknown' } & Refusal);

type Magic = string | readonly number[];

interface Foreign {
  readonly name: string;
  readonly at: number;
  readonly magic: Magic;
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

function hasMagic(bytes: Uint8Array, at: number, magic: Magic): boolean {
  const wanted = typeof magic === 'string' ? Array.from(magic, (letter) => letter.charCodeAt(0)) : magic;
  return wanted.every((byte, index) => bytes[at + index] === byte);
}

/** Whether a file is a VMDK: a sparse extent, or a text descriptor that lists extents. */
function isVmdk(head: Uint8Array): boolean {
  if (hasMagic(head, 0, 'KDMV') || hasMagic(head, 0, 'COWD')) return true;
  const text = String.fromCharCode(...head.subarray(0, 1024));
  return /^(?:\s|#(?! Disk DescriptorFile)[^\n]*\n)*# Disk DescriptorFile/iu.test(text);
}

/** The format of a disk that has a header of its own; undefined for anything else: a raw disk cannot be told from other files. */
export function diskHeaderOf(head: Uint8Array): 'qcow2' | 'vmdk' | 'vhdx' | 'vdi' | undefined {
  if (hasMagic(head, 0, 'QFI\u00fb')) return 'qcow2';
  if (isVmdk(head)) return 'vmdk';
  if (hasMagic(head, 0, 'vhdxfile')) return 'vhdx';
  return hasMagic(head, 64, [0x7f, 0x10, 0xda, 0xbe]) ? 'vdi' : undefined;
}

function hasPartitionTable(head: Uint8Array): boolean {
  return (
    hasMagic(head, 510, [0x55, 0xaa]) || hasMagic(head, 512, 'EFI PART') || hasMagic(head, 4096, 'EFI PART')
  );
}

/** What a file is. One with the signature of one format is never taken for another. */
export function signatureOf({ head, tail, sizeBytes }: FileEnds): Signature {
  const broken = { format: 'refused', kind: 'broken' } as const;
  if (sizeBytes === 0)
    return { ...broken, reason: 'is empty', next: 'Get the file again from its source or a backup.' };
  const format = diskHeaderOf(head);
  if (format) return { format };
  if (sizeBytes < 512) return { ...broken, reason: `is only ${sizeBytes} bytes long, too short for a disk` };
  const other = foreign.find(({ at, magic }) =>
    at < 0 ? hasMagic(tail, tail.length + at, magic) : hasMagic(head, at, magic),
  );
  if (other) {
    const { name, advice } = other;
    const kind = name.endsWith('disk') ? 'disk' : 'other';
    return { format: 'refused', kind, reason: `is ${name}, which is not supported`, next: advice };
  }
  if (hasMagic(head, 32_769, 'CD001')) return { format: 'iso' };
  if (hasPartitionTable(head)) return { format: 'raw' };
  return {
    format: 'unknown',
    reason: 'has an unknown format: it has neither a partition table nor the header of a disk image',
    next: `If it is a raw disk without partitions, run ${convertBy('raw')}`,
  };
}
