import { badImage } from '../format/image-file.ts';
import { maxVirtualSize } from '../format/limits.ts';
import type { RangeFile } from '../format/stored-ranges.ts';
import { guidAt } from './guid.ts';
import type { VhdxRegion } from './vhdx-regions.ts';

/** What the metadata of a VHDX say about its disk: [MS-VHDX] 2.6. In bytes. */
export interface VhdxMetadata {
  readonly diskBytes: number;
  readonly blockBytes: number;
  readonly sectorBytes: number;
}

const tableBytes = 64 * 1024;
const entryBytes = 32;
const maxEntries = 2047;
const flag = { user: 1, required: 4 } as const;
const hasParent = 2;

const item = {
  'caa16737-fa36-4d43-b3b6-33f0aa44e76b': { name: 'parameters', bytes: 8 },
  '2fa54224-cd1b-4876-b211-5dbed83bf4b8': { name: 'diskSize', bytes: 8 },
  '8141bf1d-a96f-4709-ba47-f233a8faab5f': { name: 'sectorSize', bytes: 4 },
  'cda348c7-445d-4471-9cc9-e9885251c556': { name: 'physicalSectorSize', bytes: 4 },
  'beca12ab-b2e6-4523-93ef-c309e000c746': { name: 'page83', bytes: 16 },
  'a8d35f2d-b30b-454d-abf7-d3d84834ab0c': { name: 'parentLocator', bytes: undefined },
} as const;

const items = new Map<string, { readonly name: string; readonly bytes: number | undefined }>(
  Object.entries(item),
);

/** The values of the known items, by name. */
async function readItems(file: RangeFile, { at, length }: VhdxRegion): Promise<ReadonlyMap<string, Buffer>> {
  const { path } = file;
  const head = await file.read(at, entryBytes, 'its metadata');
  const count = head.readUInt16LE(10);
  if (head.toString('latin1', 0, 8) !== 'metadata' || count > maxEntries)
    throw badImage(path, 'is damaged: its metadata table is invalid');
  const table = await file.read(at, (count + 1) * entryBytes, 'its metadata');
  const found = new Map<string, Buffer>();
  for (let entry = 1; entry <= count; entry += 1) {
    const guid = guidAt(table, entry * entryBytes);
    const [offset, bytes, flags] = [16, 20, 24].map((field) =>
      table.readUInt32LE(entry * entryBytes + field),
    );
    const known = ((flags ?? 0) & flag.user) === 0 ? items.get(guid) : undefined;
    if (!known) {
      if (((flags ?? 0) & flag.required) !== 0)
        throw badImage(path, `needs the metadata ${guid}, which is unknown`);
      continue;
    }
    if (known.bytes === undefined) continue;
    const isInside = (offset ?? 0) >= tableBytes && (offset ?? 0) + known.bytes <= length;
    if (bytes !== known.bytes || !isInside || found.has(known.name))
      throw badImage(path, `is damaged: its metadata ${known.name} is invalid or there twice`);
    found.set(known.name, await file.read(at + (offset ?? 0), known.bytes, 'its metadata'));
  }
  return found;
}

function refuseDifference(path: string, flags: number): void {
  if ((flags & hasParent) === 0) return;
  throw badImage(
    path,
    'has only the differences to another disk, as a checkpoint of Hyper-V makes',
    'Delete the checkpoint in Hyper-V, which merges its disks, or run `Convert-VHD -Path OLD -DestinationPath NEW`.',
  );
}

function blockSize(path: string, bytes: number): number {
  const isValid = bytes >= 2 ** 20 && bytes <= 2 ** 28 && Number.isInteger(Math.log2(bytes));
  if (!isValid) throw badImage(path, `is damaged: its blocks have ${bytes} bytes`);
  return bytes;
}

function diskSize(path: string, bytes: bigint): number {
  if (bytes === 0n || bytes % 512n !== 0n)
    throw badImage(path, `is damaged: the size of its disk is ${bytes} bytes`);
  if (bytes > BigInt(maxVirtualSize))
    throw badImage(path, `has a virtual size of ${bytes} bytes; the limit is 64 TiB`);
  return Number(bytes);
}

function sectorSize(path: string, bytes: number): number {
  if (bytes === 512) return bytes;
  if (bytes !== 4096) throw badImage(path, `is damaged: its sectors have ${bytes} bytes`);
  throw badImage(
    path,
    'has sectors of 4096 bytes, and the disks of Kame have sectors of 512: its partition table would not be found',
    'Copy its content to a disk with sectors of 512 bytes, in the guest or in Hyper-V.',
  );
}

/** @throws KameError BAD_IMAGE naming what is invalid or unsupported */
export async function readMetadata(file: RangeFile, region: VhdxRegion): Promise<VhdxMetadata> {
  const { path } = file;
  const found = await readItems(file, region);
  const value = (name: string): Buffer => {
    const bytes = found.get(name);
    if (!bytes) throw badImage(path, `is damaged: its metadata lack ${name}`);
    return bytes;
  };
  const parameters = value('parameters');
  refuseDifference(path, parameters.readUInt32LE(4));
  return {
    blockBytes: blockSize(path, parameters.readUInt32LE(0)),
    diskBytes: diskSize(path, value('diskSize').readBigUInt64LE(0)),
    sectorBytes: sectorSize(path, value('sectorSize').readUInt32LE(0)),
  };
}
