import { realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, resolve, sep } from 'node:path';
import { KameError } from '../core/errors.ts';
import { namesFile, namesProtocol } from './backing-name.ts';
import type { DiskMap } from './disk-map.ts';
import { isMapHead, mapHeadBytes } from './map-facts.ts';
import { ImageFile, badImage } from './format/image-file.ts';
import { probeImage, type ProbedImage } from './probe.ts';
import { checkQcow2, hasQcow2Magic, type BackingReference, type Qcow2Facts } from './qcow2-header.ts';
import { mapsNothing } from './qcow2-tables.ts';
import { readMap } from './read-map.ts';

/** One file of a disk: the top layer, or one below it. */
export interface Layer {
  /** Absolute. Below the top layer, it contains no symbolic links. */
  readonly path: string;
  readonly format: 'qcow2' | 'raw';
  /** Size of the disk in the guest, in bytes. */
  readonly virtualSize: number;
  /** Bytes allocated on the host. */
  readonly allocatedBytes: number;
  /** Number of hard links; more than 1 if the file is shared. */
  readonly links: number;
  /** Marked as corrupt: the engine once found its tables damaged. */
  readonly corrupt: boolean;
  /** The backing file as named in the header; null for the lowest layer. */
  readonly backingName: string | null;
  /** For the lowest layer of a disk that is used in place: where its content is. Never written. */
  readonly map?: DiskMap;
  readonly backing?: Layer;
}

export interface ChainOptions {
  /**
   * Directories that contain, directly or in subdirectories, all layers below the top and the files that a map shows. A file is
   * allowed for a map if it is named itself.
   */
  readonly inside: readonly string[];
  /** Follow the tables of every layer to check that it is intact. Default: true; false reads only the headers. */
  readonly tables?: boolean;
}

/** Maximum number of layers in a disk. */
export const maxLayers = 256;

type Plain = Omit<Layer, 'backing'>;

interface Reading {
  readonly layer: Plain;
  readonly reference: BackingReference | null;
  readonly identity: string;
}

function qcow2Layer(file: ImageFile, facts: Qcow2Facts): Plain {
  return {
    path: file.path,
    format: 'qcow2',
    virtualSize: facts.virtualSize,
    allocatedBytes: file.allocated,
    links: file.links,
    corrupt: facts.corrupt,
    backingName: facts.backing?.name ?? null,
  };
}

function rawLayer(file: ImageFile): Plain {
  return {
    path: file.path,
    format: 'raw',
    virtualSize: Math.ceil(file.size / 512) * 512,
    allocatedBytes: file.allocated,
    links: file.links,
    corrupt: false,
    backingName: null,
  };
}

async function readMapped(file: ImageFile, tables: boolean, inside: readonly string[]): Promise<Reading> {
  const mayRead = async (path: string) =>
    inside.includes(path) || isIn(await realpath(dirname(path)), inside);
  const map = await readMap(file, { tables, mayRead });
  // To the engine it is a qcow2, opened in a way of its own.
  const layer = { ...rawLayer(file), format: 'qcow2', virtualSize: map.size, map } as const;
  return { layer, reference: null, identity: file.identity };
}

async function readQcow2(file: ImageFile, tables: boolean): Promise<Reading> {
  const facts = await checkQcow2(file, { backing: 'tell', tables });
  return { layer: qcow2Layer(file, facts), reference: facts.backing, identity: file.identity };
}

async function isQcow2(file: ImageFile): Promise<boolean> {
  return hasQcow2Magic(await file.readUpTo(0, 4));
}

/** Opens the file of a disk, which is no image to choose another one instead of. */
async function openTop(path: string): Promise<ImageFile> {
  try {
    return await ImageFile.open(path);
  } catch (error) {
    if (!(error instanceof KameError) || error.code !== 'NO_SUCH_IMAGE') throw error;
    throw new KameError('FILE_ACCESS', error.message, {
      next: 'Move the disk back or restore it from a backup; `kame disk remove NAME DISK` takes it out of a machine.',
      details: { path },
      cause: error,
    });
  }
}

/** The error for a format that no machine can run on. */
function unusable(path: string, format: Exclude<ProbedImage['format'], 'qcow2' | 'raw'>): KameError {
  const names = {
    iso: 'an ISO image',
    vmdk: 'a VMDK image',
    vhdx: 'a VHDX disk of Hyper-V',
    vdi: 'a VDI disk of VirtualBox',
  };
  const next =
    format === 'iso'
      ? 'Make it a CD: `kame set NAME SLOT.deviceType=cdrom-image`, with the slot of the drive, such as sata0:0.'
      : 'Import its machine with `kame import PATH`, or create one from the disk alone: `kame create NAME --image PATH`.';
  return new KameError('BAD_IMAGE', `${path} is ${names[format]}, which a machine cannot use as a disk.`, {
    next,
    details: { path, format },
  });
}

/** Reads the top layer, which need not be in `inside`. Formats that no machine can run on are rejected. */
async function readTop(path: string, tables: boolean): Promise<Reading> {
  await using file = await openTop(path);
  if (await isQcow2(file)) {
    const top = await readQcow2(file, tables);
    if (tables && top.layer.corrupt) {
      throw badImage(
        path,
        'is marked as corrupt, so the engine would not write to it',
        'Repair a copy of it with `qemu-img check -r all COPY`.',
      );
    }
    return top;
  }
  const { format } = await probeImage(path, { allowRaw: true });
  if (format === 'qcow2') throw badImage(path, 'changed while it was being read');
  if (format !== 'raw') throw unusable(path, format);
  return { layer: rawLayer(file), reference: null, identity: file.identity };
}

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 300));
}

function foreign(layer: string, name: string, why: string): KameError {
  return new KameError('BAD_IMAGE', `${layer} has a foreign backing reference: ${quoted(name)} ${why}.`, {
    next: 'If the disk comes from elsewhere, flatten it there with `qemu-img convert -O qcow2 OLD NEW`, then use NEW instead.',
    details: { path: layer, backing: name },
  });
}

function missing(layer: string, path: string, cause: unknown): KameError {
  return new KameError(
    'FILE_ACCESS',
    `${path} does not exist, but it is the backing file of ${layer}, which is unusable without it.`,
    {
      next: 'Move the missing file back or restore it from a backup, and do not change either file before that.',
      details: { path, layer },
      cause,
    },
  );
}

/** Whether a directory is one of those, or in one of them. */
function isIn(directory: string, inside: readonly string[]): boolean {
  return inside.some(
    (each) => directory === each || directory.startsWith(each.endsWith(sep) ? each : each + sep),
  );
}

/** Resolves a reference as QEMU does, from the directory of the file that contains it. */
async function locate(layer: string, name: string, inside: readonly string[]): Promise<string> {
  if (namesProtocol(name)) throw foreign(layer, name, 'is not a file');
  if (!namesFile(name)) throw foreign(layer, name, 'is not a file name');
  // Not `join`: in `a/../b` the kernel follows a symbolic link `a` before it goes up.
  const path = isAbsolute(name) ? name : `${dirname(layer)}/${name}`;
  const directory = await realpath(dirname(path)).catch((error: unknown) => {
    throw missing(layer, path, error);
  });
  if (!isIn(directory, inside)) throw foreign(layer, name, 'is outside the machine');
  return resolve(directory, basename(path));
}

/** Opens the backing file of a layer. If it does not exist, the error names both files. */
async function openBacking(layer: string, path: string): Promise<ImageFile> {
  try {
    return await ImageFile.open(path, { follow: false });
  } catch (error) {
    if (!(error instanceof KameError)) throw error;
    if (error.code === 'NO_SUCH_IMAGE') throw missing(layer, path, error);
    throw new KameError(error.code, `${error.message} It is the backing file of ${layer}.`, {
      details: { ...error.details, layer },
      cause: error,
    });
  }
}

async function readBacking(
  layer: string,
  reference: BackingReference,
  path: string,
  tables: boolean,
  inside: readonly string[],
): Promise<Reading> {
  const { name, format } = reference;
  if (format !== null && format !== 'qcow2' && format !== 'raw')
    throw badImage(
      layer,
      `says that its backing file ${quoted(name)} is ${quoted(format)}; only qcow2 and raw are supported`,
    );
  await using file = await openBacking(layer, path);
  const found = (await isQcow2(file)) ? 'qcow2' : 'raw';
  if (format === null && found === 'raw')
    throw badImage(layer, `does not give the format of its backing file ${quoted(name)}`);
  if (format !== null && format !== found)
    throw badImage(
      layer,
      `says that its backing file ${quoted(name)} is ${format}, but it is ${found === 'raw' ? 'not' : found}`,
    );
  if (isMapHead(await file.readUpTo(0, mapHeadBytes))) return await readMapped(file, tables, inside);
  if (found === 'qcow2') return await readQcow2(file, tables);
  if (file.size === 0) throw badImage(path, `is empty; it is the backing file of ${layer}`);
  return { layer: rawLayer(file), reference: null, identity: file.identity };
}

async function realDirectories(directories: readonly string[]): Promise<string[]> {
  const real = await Promise.all(
    directories.map(async (each) => await realpath(each).catch(() => undefined)),
  );
  return real.filter((each) => each !== undefined);
}

/**
 * Reads the layers of a disk from the top down to the lowest, and checks each header before the engine sees it. A
 * backing file must be a regular file, not a symbolic link, in one of the directories `inside`. It may be raw only if
 * the header says so.
 * @throws KameError FILE_ACCESS for a layer that is missing or unreadable, BAD_IMAGE naming the layer and what it refers
 * to
 */
export async function readChain(path: string, options: ChainOptions): Promise<Layer> {
  const tables = options.tables !== false;
  const inside = await realDirectories(options.inside);
  let reading = await readTop(resolve(path), tables);
  const layers: Plain[] = [reading.layer];
  const seen = new Set([reading.identity]);
  while (reading.reference !== null) {
    const above = reading.layer.path;
    const { name } = reading.reference;
    if (layers.length === maxLayers)
      throw badImage(
        path,
        `has more than ${maxLayers} layers`,
        'Use a disk with fewer layers: `qemu-img convert -O qcow2 OLD NEW` makes one of them.',
      );
    const below = await locate(above, name, inside);
    reading = await readBacking(above, reading.reference, below, tables, inside);
    if (seen.has(reading.identity))
      throw badImage(above, `is part of a loop: its backing file is ${quoted(name)}`);
    seen.add(reading.identity);
    layers.push(reading.layer);
  }
  return join(layers);
}

/** Every layer of a disk, from the top down. */
export function layersOf(top: Layer): Layer[] {
  const all: Layer[] = [];
  for (let layer: Layer | undefined = top; layer; layer = layer.backing) all.push(layer);
  return all;
}

/** The number of layers of a disk. */
export function depthOf(top: Layer): number {
  return layersOf(top).length;
}

function join(layers: readonly Plain[]): Layer {
  const lowest = layers.at(-1) as Layer;
  return layers.slice(0, -1).reduceRight<Layer>((backing, layer) => ({ ...layer, backing }), lowest);
}

/**
 * Whether nothing was ever written to a qcow2: it maps no cluster, so it shows only its backing file.
 * @throws KameError NO_SUCH_IMAGE, BAD_IMAGE, FILE_ACCESS
 */
export async function isUnwritten(path: string): Promise<boolean> {
  await using file = await ImageFile.open(resolve(path));
  if (!(await isQcow2(file))) throw badImage(path, 'is not a qcow2 image');
  const { mapping, snapshots } = await checkQcow2(file, { backing: 'tell', tables: false });
  return snapshots === 0 && (await mapsNothing(file, mapping));
}
