import { maxVirtualSize } from '../disk/format/limits.ts';
import { badOvf, quoted } from './bad-ovf.ts';
import { bytesOf } from './units.ts';
import { attributeOf, childOf, childrenOf, type XmlElement } from './xml.ts';

/** A file of the appliance. */
export interface OvfFile {
  readonly id: string;
  /** A plain file name, never a path or a URL. */
  readonly href: string;
  /** In bytes, if the descriptor says. */
  readonly size?: number;
  readonly gzip: boolean;
  /** Set if the file is cut into chunks of that size: `href.000000000` and so on. */
  readonly chunkBytes?: number;
}

/** A disk of the appliance. */
export interface OvfDisk {
  readonly id: string;
  /** Absent for an empty disk. */
  readonly file?: OvfFile;
  readonly capacityBytes: number;
  /** What its data takes, if the descriptor says. */
  readonly populatedBytes?: number;
  /** The URI of its format; empty for an empty disk. */
  readonly format: string;
}

const maxFiles = 1000;

function isPlainName(name: string): boolean {
  return !/[/\\:\p{Cc}]/u.test(name) && !['', '.', '..'].includes(name) && Buffer.byteLength(name) <= 240;
}

function sizeOf(text: string | undefined): number | undefined {
  return bytesOf(text, 'byte');
}

/** The name of a chunk (DSP0243, 7.1): nine digits. */
export function chunkName(href: string, index: number): string {
  return `${href}.${String(index).padStart(9, '0')}`;
}

function fileOf(path: string, element: XmlElement): OvfFile {
  const id = attributeOf(element, 'id') ?? '';
  const href = attributeOf(element, 'href') ?? '';
  if (!isPlainName(href)) {
    throw badOvf(
      path,
      `refers to ${quoted(href)}, which is not a plain file name`,
      'Only appliances whose files are beside the descriptor, or in the same archive, can be imported.',
    );
  }
  const compression = attributeOf(element, 'compression') ?? '';
  if (!['', 'identity', 'gzip'].includes(compression))
    throw badOvf(
      path,
      `has the file ${quoted(href)} with the compression ${quoted(compression)}, which is unknown`,
    );
  const size = sizeOf(attributeOf(element, 'size'));
  const chunk = attributeOf(element, 'chunkSize');
  const chunkBytes = sizeOf(chunk);
  if (chunk !== undefined && (chunkBytes === undefined || chunkBytes === 0 || size === undefined))
    throw badOvf(path, `has the file ${quoted(href)} in chunks, but does not say of which size`);
  return {
    id,
    href,
    gzip: compression === 'gzip',
    ...(size === undefined ? {} : { size }),
    ...(chunkBytes === undefined ? {} : { chunkBytes }),
  };
}

/** The files that an envelope refers to, by their ids. @throws KameError BAD_IMAGE */
export function readFiles(path: string, envelope: XmlElement): ReadonlyMap<string, OvfFile> {
  const files = new Map<string, OvfFile>();
  const names = new Set<string>();
  for (const element of childrenOf(childOf(envelope, 'References'), 'File')) {
    const file = fileOf(path, element);
    if (files.has(file.id) || names.has(file.href))
      throw badOvf(path, `refers to the file ${quoted(file.href)} twice`);
    if (files.size === maxFiles) throw badOvf(path, `refers to more than ${maxFiles} files`);
    files.set(file.id, file);
    names.add(file.href);
  }
  return files;
}

function diskOf(
  path: string,
  element: XmlElement,
  files: ReadonlyMap<string, OvfFile>,
  resolve: (text: string) => string,
): OvfDisk {
  const id = attributeOf(element, 'diskId') ?? '';
  const what = `the disk ${quoted(id)}`;
  if (attributeOf(element, 'parentRef') !== undefined)
    throw badOvf(
      path,
      `has ${what} as changes to another disk, which is not supported`,
      'Export it without snapshots.',
    );
  const unit = attributeOf(element, 'capacityAllocationUnits') ?? 'byte';
  const capacityBytes = bytesOf(resolve(attributeOf(element, 'capacity') ?? ''), unit);
  if (capacityBytes === undefined || capacityBytes === 0 || capacityBytes > maxVirtualSize)
    throw badOvf(path, `has ${what} with an invalid capacity`);
  const populatedBytes = sizeOf(attributeOf(element, 'populatedSize'));
  const common = { id, capacityBytes, ...(populatedBytes === undefined ? {} : { populatedBytes }) };
  const fileRef = attributeOf(element, 'fileRef');
  if (fileRef === undefined || fileRef === '') return { ...common, format: '' };
  const file = files.get(fileRef);
  if (!file) throw badOvf(path, `has ${what} in the file ${quoted(fileRef)}, to which it does not refer`);
  return { ...common, file, format: attributeOf(element, 'format') ?? '' };
}

/**
 * The disks of an envelope, by their ids.
 * @param resolve replaces `${key}` by the value of that property
 * @throws KameError BAD_IMAGE
 */
export function readDisks(
  path: string,
  envelope: XmlElement,
  files: ReadonlyMap<string, OvfFile>,
  resolve: (text: string) => string,
): ReadonlyMap<string, OvfDisk> {
  const disks = new Map<string, OvfDisk>();
  for (const element of childrenOf(childOf(envelope, 'DiskSection'), 'Disk')) {
    const disk = diskOf(path, element, files, resolve);
    if (disks.has(disk.id)) throw badOvf(path, `has two disks with the id ${quoted(disk.id)}`);
    disks.set(disk.id, disk);
  }
  return disks;
}
