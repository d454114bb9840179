import { assumedCodec, bytesToBinary, codecFor, type TextCodec } from '../../vmx/encoding.ts';
import { badImage } from '../format/image-file.ts';
import { maxVirtualSize } from '../format/limits.ts';

export type ExtentKind = 'sparse' | 'flat' | 'zero';

/** One line of the extent description. */
export interface ExtentLine {
  readonly kind: ExtentKind;
  readonly sectors: number;
  /** A plain file name, never a path, in the directory of the descriptor. Absent for zeros. */
  readonly file?: string;
  /** Start of the data of the extent in a flat file, in sectors. */
  readonly offset: number;
}

/** The disk beneath a delta: it has what the delta does not. */
export interface ParentReference {
  /** A plain file name, never a path, in the directory of the descriptor. */
  readonly name: string;
  /** The content id that the parent must have, in lower case. */
  readonly cid: string;
}

export interface Descriptor {
  /** Changes whenever the content does, in lower case; empty if it is missing. */
  readonly cid: string;
  /** Absent unless it is a delta. */
  readonly parent?: ParentReference;
  readonly createType: string;
  readonly extents: readonly ExtentLine[];
}

export const sectorBytes = 512;
/** A descriptor takes about a kilobyte, plus 50 bytes for each 2 GiB of a split disk. */
export const maxDescriptorBytes = 1024 * 1024;
const maxExtents = 32_768;

const kinds = new Map<string, ExtentKind>([
  ['SPARSE', 'sparse'],
  ['FLAT', 'flat'],
  ['VMFS', 'flat'],
  ['VMFSSPARSE', 'sparse'],
  ['SESPARSE', 'sparse'],
  ['ZERO', 'zero'],
]);
const extentForm =
  /^(RW|RDONLY|NOACCESS)\s+(\d{1,15})\s+([A-Z]+)(?:\s+"([^"]*)")?(?:\s+(\d{1,15}))?\s*(.*)$/u;
const consolidate =
  'Consolidate or clone it in VMware (or `vmware-vdiskmanager -r OLD -t 0 NEW`), then use the result.';

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}

/** A name may only refer to a file in the directory of the descriptor. */
function isPlainName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\\\p{Cc}]/u.test(name) && name.length <= 255;
}

function checkName(path: string, name: string): string {
  if (!isPlainName(name)) {
    throw badImage(
      path,
      `names the extent ${quoted(name)}, which is not a plain file name in the same directory`,
    );
  }
  return name;
}

function parseExtent(path: string, line: string): ExtentLine {
  const [, access, sectorText, kindName, name, offsetText, rest] = extentForm.exec(line) ?? [];
  if (access === undefined || sectorText === undefined || kindName === undefined || (rest ?? '') !== '') {
    throw badImage(path, `has a malformed extent line: ${quoted(line)}`);
  }
  const sectors = Number(sectorText);
  const kind = kinds.get(kindName);
  if (kind === undefined)
    throw badImage(path, `has an extent of type ${kindName}, which is not supported`, consolidate);
  // An extent without access reads as zeros.
  if (kind === 'zero' || access === 'NOACCESS') return { kind: 'zero', sectors, offset: 0 };
  if (name === undefined) throw badImage(path, `has an extent without a file name: ${quoted(line)}`);
  return { kind, sectors, file: checkName(path, name), offset: Number(offsetText ?? 0) };
}

const noParent = 'ffffffff';

/** The parent of a delta. A path may lead to any file, so only a name is accepted. */
function parentOf(path: string, fields: ReadonlyMap<string, string>): ParentReference | undefined {
  const cid = (fields.get('parentcid') ?? noParent).toLowerCase();
  const name = fields.get('parentfilenamehint');
  if (cid === noParent && name === undefined) return undefined;
  if (name === undefined)
    throw badImage(path, 'contains only the changes to another disk, which it does not name', consolidate);
  if (!isPlainName(name)) {
    throw badImage(
      path,
      `has the parent ${quoted(name)}, which is not a plain file name in the same directory`,
      consolidate,
    );
  }
  return { name, cid };
}

function checkEncryption(path: string, fields: ReadonlyMap<string, string>): void {
  if ((fields.get('encryptionkeys') ?? '') === '') return;
  throw badImage(
    path,
    'is encrypted',
    'Decrypt it in VMware (in the settings of the machine, remove its encryption), then use the decrypted disk.',
  );
}

/** The codec that `encoding=` names. Without it, the one in which the bytes are valid. */
function codecOf(path: string, content: string): TextCodec {
  const name = /^[ \t]*encoding[ \t]*=[ \t]*"?([A-Za-z0-9_.:-]{1,40})"?/imu.exec(content)?.[1];
  const codec = name === undefined ? assumedCodec(content) : codecFor(name);
  if (codec === undefined) throw badImage(path, `has the encoding ${quoted(name ?? '')}, which is unknown`);
  return codec;
}

/** The lines of a descriptor, decoded. */
function linesOf(path: string, bytes: Buffer): string[] {
  const end = bytes.indexOf(0);
  const content = bytesToBinary(end < 0 ? bytes : bytes.subarray(0, end));
  const codec = codecOf(path, content);
  return content.split(/\r?\n/u).map((line) => {
    const { text, exact } = codec.decode(line);
    if (exact || text.startsWith('#')) return text.trim();
    throw badImage(path, `has a line that is not valid ${codec.name}: ${quoted(text)}`);
  });
}

function checkSize(path: string, extents: readonly ExtentLine[]): void {
  const sectors = extents.reduce((sum, extent) => sum + extent.sectors, 0);
  if (extents.length === 0 || sectors === 0)
    throw badImage(path, 'has no extents: its descriptor is incomplete');
  if (sectors * sectorBytes > maxVirtualSize)
    throw badImage(path, `has a virtual size of ${sectors * sectorBytes} bytes; the limit is 64 TiB`);
}

/**
 * Parses a descriptor. Its `encoding` decides what its names are. Ignores the case of keys, and trailing NULs, with which
 * QEMU pads it.
 * @throws KameError BAD_IMAGE for an encrypted disk, a name that is not a plain file name, unknown extents or
 * encodings, absurd sizes
 */
export function parseDescriptor(path: string, bytes: Buffer): Descriptor {
  const fields = new Map<string, string>();
  const extents: ExtentLine[] = [];
  let isWritable = false;
  for (const line of linesOf(path, bytes)) {
    if (line === '' || line.startsWith('#')) continue;
    if (/^(RW|RDONLY|NOACCESS)\s/u.test(line)) extents.push(parseExtent(path, line));
    isWritable ||= line.startsWith('RW');
    const [, key, value] = /^([\w.]{1,100})\s*=\s*"?([^"]*)"?$/u.exec(line) ?? [];
    if (key !== undefined && value !== undefined) fields.set(key.toLowerCase(), value);
    if (extents.length > maxExtents) throw badImage(path, `has more than ${maxExtents} extents`);
  }
  const createType = fields.get('createtype');
  if (createType === undefined) throw badImage(path, 'has no createType: its descriptor is incomplete');
  if (
    /^(fullDevice|partitionedDevice|vmfsRaw|vmfsRDM|vmfsRDMP|vmfsPassthroughRawDeviceMap)$/iu.test(createType)
  ) {
    throw badImage(path, `represents a physical disk (${createType}), which is not supported`);
  }
  checkEncryption(path, fields);
  checkSize(path, extents);
  // What is in an appliance is RDONLY: it is there to be copied.
  if (!isWritable && createType.toLowerCase() !== 'streamoptimized')
    throw badImage(path, 'has RDONLY and NOACCESS extents only: no machine could write to such a disk');
  const parent = parentOf(path, fields);
  if (parent && extents.some(({ kind }) => kind !== 'sparse'))
    throw badImage(path, 'is damaged: it has a parent, but an extent that has no place for it');
  const cid = (fields.get('cid') ?? '').toLowerCase();
  return { cid, createType, extents, ...(parent ? { parent } : {}) };
}
