import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { writeFully } from '../sys/write-fully.ts';
import { diskMapFrom, type DiskMap, type MapPart } from './disk-map.ts';
import { badImage, type ImageFile } from './format/image-file.ts';
import { extension, hasQcow2Magic } from './qcow2-header.ts';
import { headerLength } from './qcow2-layout.ts';

// Where in the file of a map is what it says of itself.

/**
 * What the first part names as its backing file, although the engine gets that as a node. Whoever opens the map by its name, as
 * `qemu-img` does for the backing file of an overlay, is told that there is no such protocol, and sees no wrong content.
 */
export const mapBacking = 'kame-map:this-disk-is-used-in-place';
/** Bytes at the end that the JSON may take. They do not change when an original is found elsewhere: clones know a file by its size. */
export const mapRoom = 8 * 1024 * 1024;
/** How many bytes isMapHead needs: the header extension is behind the fixed part, with the frame behind its type and length. */
export const mapHeadBytes = headerLength + 8 + 48;

/** What the header extension says: where the JSON is, in bytes, and its hash. */
interface Frame {
  readonly offset: number;
  readonly length: number;
  readonly hash: Buffer;
}

const frameAt = headerLength + 8;
const hashAt = 16;

function writeFrame(header: Buffer, { offset, length, hash }: Frame): void {
  header.writeUInt32BE(extension.map, headerLength);
  header.writeUInt32BE(mapHeadBytes - frameAt, headerLength + 4);
  header.writeBigUInt64BE(BigInt(offset), frameAt);
  header.writeBigUInt64BE(BigInt(length), frameAt + 8);
  hash.copy(header, frameAt + hashAt);
}

async function readFrame(file: ImageFile): Promise<Frame> {
  const frame = await file.read(frameAt, mapHeadBytes - frameAt, 'its header');
  const [offset, length] = [Number(frame.readBigUInt64BE(0)), Number(frame.readBigUInt64BE(8))];
  return { offset, length, hash: frame.subarray(hashAt) };
}

function hashOf(json: Buffer): Buffer {
  return createHash('sha256').update(json).digest();
}

/** Whether a file that begins like this is a map. */
export function isMapHead(head: Buffer): boolean {
  return (
    head.length >= mapHeadBytes && hasQcow2Magic(head) && head.readUInt32BE(headerLength) === extension.map
  );
}

/**
 * The header of a map whose JSON is to be at `offset`.
 * @param fixed part of the header of the first part
 * @param json a DiskMap
 */
export function mapHeader(json: Buffer, fixed: Buffer, offset: number): Buffer {
  // Zeros after the extension end the list of extensions.
  const nameAt = mapHeadBytes + 8;
  const header = Buffer.alloc(nameAt + mapBacking.length);
  fixed.copy(header);
  header.writeBigUInt64BE(BigInt(nameAt), 8);
  header.writeUInt32BE(mapBacking.length, 16);
  writeFrame(header, { offset, length: json.length, hash: hashOf(json) });
  header.write(mapBacking, nameAt, 'latin1');
  return header;
}

/** Bytes of the parts of a map: the JSON comes after them. */
export function partsBytes(parts: readonly Pick<MapPart, 'bytes'>[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * Writes what a map says of itself: the JSON behind the parts, and then the header, which makes it a map.
 * @throws the error of the file system
 */
export async function writeMapFacts(map: FileHandle, facts: DiskMap): Promise<void> {
  const fixed = Buffer.alloc(headerLength);
  await map.read(fixed, 0, headerLength, 0);
  const json = Buffer.from(JSON.stringify(facts));
  const offset = partsBytes(facts.parts);
  await writeFully(map, [json], offset);
  await map.datasync();
  await writeFully(map, [mapHeader(json, fixed, offset)], 0);
  await map.datasync();
}

function parsed(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Reads what a map says of itself. @throws KameError BAD_IMAGE unless it is whole */
export async function readMapFacts(file: ImageFile): Promise<DiskMap> {
  const { offset, length, hash } = await readFrame(file);
  if (length > mapRoom || offset > file.size)
    throw badImage(file.path, 'is damaged: its list of files is not where it should be');
  const json = await file.read(offset, length, 'its list of files');
  if (!hashOf(json).equals(hash))
    throw badImage(file.path, 'is damaged: its list of files is not as it was written');
  const map = diskMapFrom(parsed(json), file.size);
  if (!map) throw badImage(file.path, 'is damaged: its list of files does not describe a disk');
  return map;
}
