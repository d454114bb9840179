import { KameError } from '../core/errors.ts';
import type { DiskMap, OriginalFile } from './disk-map.ts';
import { readMapFacts } from './map-facts.ts';
import { isUnchanged, stampOf } from './file-stamp.ts';
import { badImage, type ImageFile } from './format/image-file.ts';
import { checkParts } from './map-view.ts';
import { contentIdOf } from './vmdk/read-descriptor.ts';

function missing(map: string, { path }: OriginalFile): KameError {
  return new KameError('FILE_ACCESS', `${path} does not exist, but ${map} shows its content.`, {
    next: 'Put the original machine back, or say where it is now: kame repair NAME --original DIRECTORY. Without it, the disk has no content.',
    details: { path, layer: map },
  });
}

function changed(map: string, path: string, what: string): KameError {
  return new KameError(
    'BROKEN_MACHINE',
    `${path} has changed since the machine was imported in place: ${what}. The tables in ${map} are of the file as it was, and would show wrong data.`,
    {
      next: 'Restore that file from a backup with its time, or import the original anew. A machine that is imported in place needs an original that no other program starts; --convert makes a copy.',
      details: { path, layer: map },
    },
  );
}

function atTime(time: string): string {
  return new Date(Number(BigInt(time) / 1_000_000n)).toISOString();
}

function forbidden(map: string, { path }: OriginalFile): KameError {
  return badImage(
    map,
    `shows the content of ${path}, which is outside the machine, and nobody has agreed to that`,
    'If you trust the machine with it: `kame register PATH --allow-outside`.',
  );
}

type MayRead = (path: string) => Promise<boolean>;

/** @throws KameError FILE_ACCESS, BAD_IMAGE, BROKEN_MACHINE unless the file may be read and is as it was */
async function checkOriginal(map: string, original: OriginalFile, mayRead: MayRead): Promise<void> {
  const { path, size, time } = original;
  const stamp = await stampOf(path);
  if (!stamp) throw missing(map, original);
  if (!(await mayRead(path))) throw forbidden(map, original);
  if (isUnchanged(original, stamp)) return;
  if (stamp.size !== size) throw changed(map, path, `it has ${stamp.size} bytes, not ${size}`);
  throw changed(map, path, `it was written to on ${atTime(stamp.time)}, and had been on ${atTime(time)}`);
}

/** @throws KameError BROKEN_MACHINE unless the descriptor still has its content id */
async function checkContentId(map: string, { path, cid }: OriginalFile): Promise<void> {
  if (cid === null) return;
  const found = await contentIdOf(path);
  if (found !== cid) throw changed(map, path, `its content id is ${found}, not ${cid}`);
}

/**
 * Reads a map, and checks that the files whose content it shows are what they were.
 * @param mayRead whether a file is allowed to be an original
 * @param tables also check the tables in it and the content ids of the originals
 * @throws KameError BAD_IMAGE for a damaged map, FILE_ACCESS for an original that is not there, BROKEN_MACHINE for one that has
 * changed
 */
export async function readMap(
  file: ImageFile,
  { tables, mayRead }: { readonly tables: boolean; readonly mayRead: MayRead },
): Promise<DiskMap> {
  const map = await readMapFacts(file);
  for (const original of map.originals) {
    await checkOriginal(file.path, original, mayRead);
    if (tables) await checkContentId(file.path, original);
  }
  if (tables) await checkParts(file.path, map);
  return map;
}
