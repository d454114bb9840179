import { maxVirtualSize } from '../format/limits.ts';
import { badImage } from '../format/image-file.ts';

export type ExtentKind = 'sparse' | 'flat' | 'zero';

/** One line of the extent table. */
export interface ExtentLine {
  readonly kind: ExtentKind;
  readonly sectors: number;
  /** Name beside the descriptor; a plain file name, never a path. Absent for zeros. */
  readonly file?: string;
  /** Where the extent's data begins in a flat file, in sectors. */
  readonly offset: number;
}

export interface Descriptor {
  readonly createType: string;
  readonly extents: readonly ExtentLine[];
}

export const sectorBytes = 512;
/** A descriptor holds about a kilobyte; each 2 GiB of a split disk adds 50 bytes. */
export const maxDescriptorBytes = 1024 * 1024;
const maxExtents = 32_768;

const kinds = new Map<string, ExtentKind>([
  ['SPARSE', 'sparse'],
  ['FLAT', 'flat'],
  ['VMFS', 'flat'],
  ['ZERO', 'zero'],
]);
const extentForm =
  /^(RW|RDONLY|NOACCESS)\s+(\d{1,15})\s+([A-Z]+)(?:\s+"([^"]*)")?(?:\s+(\d{1,15}))?\s*(.*)$/u;
const consolidate =
  'Consolidate or clone it in VMware (or `vmware-vdiskmanager -r OLD -t 0 NEW`), then import the result.';

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}

/** A name may only mean a file that lies beside the descriptor. */
function checkName(path: string, name: string): string {
  if (name === '' || name === '.' || name === '..' || /[/\\\p{Cc}]/u.test(name) || name.length > 255) {
    throw badImage(
      path,
      `names the extent ${quoted(name)}, which is not a plain file beside it and is not read`,
    );
  }
  return name;
}

function parseExtent(path: string, line: string): ExtentLine {
  const [, access, sectorText, kindName, name, offsetText, rest] = extentForm.exec(line) ?? [];
  if (access === undefined || sectorText === undefined || kindName === undefined || (rest ?? '') !== '') {
    throw badImage(path, `has an extent line that makes no sense: ${quoted(line)}`);
  }
  const sectors = Number(sectorText);
  const kind = kinds.get(kindName);
  if (kind === undefined)
    throw badImage(path, `has an extent of type ${kindName}, which is not read here`, consolidate);
  // What the guest may not access reads as zeros.
  if (kind === 'zero' || access === 'NOACCESS') return { kind: 'zero', sectors, offset: 0 };
  if (name === undefined) throw badImage(path, `has an extent without a file name: ${quoted(line)}`);
  return { kind, sectors, file: checkName(path, name), offset: Number(offsetText ?? 0) };
}

function checkParent(path: string, fields: ReadonlyMap<string, string>): void {
  const parent = (fields.get('parentcid') ?? 'ffffffff').toLowerCase();
  if (parent === 'ffffffff' && !fields.has('parentfilenamehint')) return;
  const hint = fields.get('parentfilenamehint');
  const which = hint === undefined ? '' : `, ${quoted(hint)}`;
  throw badImage(
    path,
    `has a parent${which}, which is not read: it holds only the changes since a snapshot`,
    consolidate,
  );
}

/**
 * Reads the text of a descriptor. Keys without regard to case, NULs at the end as QEMU pads them.
 * @throws KameError BAD_IMAGE for a parent, a name that is no plain file name, unknown extents, absurd sizes
 */
export function parseDescriptor(path: string, bytes: Buffer): Descriptor {
  const fields = new Map<string, string>();
  const extents: ExtentLine[] = [];
  for (const raw of bytes.toString('utf8').split('\0', 1)[0]?.split(/\r?\n/u) ?? []) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (/^(RW|RDONLY|NOACCESS)\s/u.test(line)) extents.push(parseExtent(path, line));
    const [, key, value] = /^([\w.]{1,100})\s*=\s*"?([^"]*)"?$/u.exec(line) ?? [];
    if (key !== undefined && value !== undefined) fields.set(key.toLowerCase(), value);
    if (extents.length > maxExtents) throw badImage(path, `has more than ${maxExtents} extents`);
  }
  const createType = fields.get('createtype');
  if (createType === undefined) throw badImage(path, 'has no createType: its descriptor is not whole');
  if (
    /^(fullDevice|partitionedDevice|vmfsRaw|vmfsRDM|vmfsRDMP|vmfsPassthroughRawDeviceMap)$/iu.test(createType)
  ) {
    throw badImage(path, `stands for a physical disk (${createType}), which is not read`);
  }
  checkParent(path, fields);
  const sectors = extents.reduce((sum, extent) => sum + extent.sectors, 0);
  if (extents.length === 0 || sectors === 0)
    throw badImage(path, 'has no extents: its descriptor is not whole');
  if (sectors * sectorBytes > maxVirtualSize) {
    throw badImage(path, `says it has ${sectors * sectorBytes} bytes; at most 64 TiB are accepted`);
  }
  return { createType, extents };
}
