import type { Layer } from './chain.ts';
import { ImageFile } from './format/image-file.ts';
import { checkQcow2 } from './qcow2-header.ts';
import { bytesToCopy, type MappedFile } from './qcow2-tables.ts';

async function mapped(file: ImageFile): Promise<MappedFile> {
  const { mapping } = await checkQcow2(file, { backing: 'tell', tables: false });
  return { file, mapping };
}

/** The most bytes that the data of a layer itself takes in a new qcow2. @throws KameError BAD_IMAGE, FILE_ACCESS */
export async function ownBytes(layer: Layer): Promise<number> {
  if (layer.format === 'raw' || layer.map) return layer.allocatedBytes;
  await using file = await ImageFile.open(layer.path);
  return await bytesToCopy(await mapped(file));
}

/**
 * The most bytes by which `into` grows when it receives the data of `from` itself. People delete snapshots when the
 * disk is full, so this counts exactly, from the tables of both: data that only overwrites needs no space.
 * @throws KameError BAD_IMAGE, FILE_ACCESS
 */
export async function growthOf(into: Layer, from: Layer): Promise<number> {
  if (into.format === 'raw') {
    const holes = Math.max(0, Math.max(into.virtualSize, from.virtualSize) - into.allocatedBytes);
    return Math.min(await ownBytes(from), holes);
  }
  if (from.format === 'raw') return await ownBytes(from);
  await using fromFile = await ImageFile.open(from.path);
  await using intoFile = await ImageFile.open(into.path);
  return await bytesToCopy(await mapped(fromFile), await mapped(intoFile));
}
