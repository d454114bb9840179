import { ImageFile, badImage, type OpenImage } from './format/image-file.ts';
import type { DiskMap, MapPart } from './disk-map.ts';
import { mapBacking } from './map-facts.ts';
import { clusterSize as overlayCluster } from './qcow2-layout.ts';
import { checkQcow2, type Qcow2Facts } from './qcow2-header.ts';
import { Qcow2Pieces } from './qcow2-pieces.ts';

/** A range of a file as a file of its own. */
class Window implements OpenImage {
  readonly #file: ImageFile;
  readonly #at: number;
  readonly #bytes: number;

  constructor(file: ImageFile, at: number, bytes: number) {
    this.#file = file;
    this.#at = at;
    this.#bytes = bytes;
  }

  async read(buffer: Buffer, offset: number, length: number, position: number) {
    const wanted = Math.max(0, Math.min(length, this.#bytes - position));
    const bytesRead = await this.#file.readInto(
      buffer.subarray(offset, offset + wanted),
      this.#at + position,
    );
    return { bytesRead };
  }

  async close(): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }
}

/** Something that is read like a file, of that size. Nothing is known of the file. */
function fileLike(path: string, content: OpenImage, size: number): ImageFile {
  return new ImageFile(path, content, { size, blocks: 0, nlink: 1, dev: 0, ino: 0 });
}

/** What an overlay shows: its own clusters, and elsewhere the file that it is on. */
class OverlayView implements OpenImage {
  readonly #overlay: ImageFile;
  readonly #pieces: Qcow2Pieces;
  readonly #size: number;
  readonly #original: ImageFile;
  readonly #part: MapPart;

  constructor(overlay: ImageFile, pieces: Qcow2Pieces, size: number, original: ImageFile, part: MapPart) {
    this.#overlay = overlay;
    this.#pieces = pieces;
    this.#size = size;
    this.#original = original;
    this.#part = part;
  }

  async read(buffer: Buffer, offset: number, length: number, position: number) {
    const wanted = Math.max(0, Math.min(length, this.#size - position));
    const into = buffer.subarray(offset, offset + wanted);
    for (const piece of await this.#pieces.in(position, wanted)) {
      const part = into.subarray(piece.offset - position, piece.offset - position + piece.length);
      if (piece.kind === 'data') part.fill(0, await this.#overlay.readInto(part, piece.at));
      else if (piece.kind === 'hole') await this.#readOriginal(part, piece.offset);
      else if (piece.kind === 'zero') part.fill(0);
      else throw badImage(this.#overlay.path, 'is damaged: its tables are compressed');
    }
    return { bytesRead: wanted };
  }

  async #readOriginal(into: Buffer, position: number): Promise<void> {
    const { offset, length } = this.#part;
    const there = into.subarray(0, Math.max(0, Math.min(into.length, length - position)));
    into.fill(0, await this.#original.readInto(there, offset + position));
  }

  async close(): Promise<void> {
    await this.#original[Symbol.asyncDispose]();
    await this.#overlay[Symbol.asyncDispose]();
  }
}

/** A part of a map that is open for reading, as the qcow2 that it is. */
export interface OpenPart {
  readonly file: ImageFile;
  readonly facts: Qcow2Facts;
}

interface PartOptions {
  /** Follow the tables of both qcow2, to check that they are intact. */
  readonly tables: boolean;
}

async function openOriginal(map: string, { path, offset, length }: MapPart): Promise<ImageFile> {
  const original = await ImageFile.open(path, { follow: false });
  if (original.size >= offset + length) return original;
  await original[Symbol.asyncDispose]();
  throw badImage(path, `is too short: ${map} refers to data beyond its end`);
}

async function openView(
  path: string,
  overlay: ImageFile,
  part: MapPart,
  { tables }: PartOptions,
): Promise<ImageFile> {
  const options = { tables, partOfMap: true, backing: 'tell' } as const;
  const { clusterSize, mapping, virtualSize, backing } = await checkQcow2(overlay, options);
  if (clusterSize !== overlayCluster || (backing !== null && backing.name !== mapBacking))
    throw badImage(path, 'is damaged: its tables are not as they were written');
  const pieces = await Qcow2Pieces.open(overlay, mapping);
  const original = await openOriginal(path, part);
  return fileLike(path, new OverlayView(overlay, pieces, virtualSize, original, part), virtualSize);
}

/**
 * Opens a part of a map, with the file of the original. Both qcow2 are checked: they may refer to nothing else.
 * @param path of the map
 * @throws KameError BAD_IMAGE, NO_SUCH_IMAGE, FILE_ACCESS
 */
export async function openPart(path: string, part: MapPart, options: PartOptions): Promise<OpenPart> {
  const map = await ImageFile.open(path, { follow: false });
  let file = fileLike(path, new Window(map, part.at, part.bytes), part.bytes);
  try {
    file = await openView(path, file, part, options);
    return { file, facts: await checkQcow2(file, options) };
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

/** Checks every part of a map. @throws KameError as openPart */
export async function checkParts(path: string, { parts, size }: DiskMap): Promise<void> {
  for (const part of parts) {
    const { file, facts } = await openPart(path, part, { tables: true });
    await file[Symbol.asyncDispose]();
    if (facts.virtualSize > size) throw badImage(path, 'is damaged: a part is larger than the disk');
  }
}
