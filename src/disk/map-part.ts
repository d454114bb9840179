import type { FileHandle } from 'node:fs/promises';
import { badImage, type ImageFile } from './format/image-file.ts';
import { perTable, type Cut } from './map-clusters.ts';
import { clusterSize as overlayCluster, fixedHeader } from './qcow2-layout.ts';
import { Qcow2Writer } from './qcow2-writer.ts';
import type { PlacedExtent, PlacedLayer } from './vmdk/places.ts';

/** Bytes at the beginning of the file that the header of the inner qcow2 hides: a cluster of the overlay. */
const hiddenBytes = overlayCluster;
const zeroCluster = 1n;

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/** Where everything of the inner qcow2 is in what the overlay shows. */
interface Places {
  /** Whole sectors of the file, from the first cluster. */
  readonly length: number;
  readonly refcounts: number;
  readonly l1: number;
  readonly tables: number;
  /** The most that can be needed. */
  readonly end: number;
}

function placesIn(layer: PlacedLayer, extent: PlacedExtent, cut: Cut, fileSize: number): Places {
  const { clusterSize, offset } = cut;
  const length = Math.floor((fileSize - offset) / 512) * 512;
  const refcounts = roundUp(Math.max(length, hiddenBytes), Math.max(clusterSize, overlayCluster));
  const l1 = refcounts + clusterSize;
  const tables = l1 + roundUp(Math.ceil(layer.size / perTable(clusterSize)) * 8, clusterSize);
  const count = Math.ceil(extent.size / perTable(clusterSize)) + 2 + Math.ceil(hiddenBytes / clusterSize);
  return { length, refcounts, l1, tables, end: roundUp(tables + count * clusterSize, overlayCluster) };
}

/**
 * Writes the tables of one part of a map: an overlay on the file of an extent, whose content is that file with a second qcow2
 * around the data in it. The second one is read only, and has no reference counts.
 */
class PartWriter {
  readonly #places: Places;
  readonly #cut: Cut;
  readonly #file: ImageFile;
  readonly #writer: Qcow2Writer;
  readonly #l1: Buffer;
  /** The table in work, and its number. */
  readonly #entries: Buffer;
  #table = -1;
  #end: number;

  constructor(writer: Qcow2Writer, file: ImageFile, places: Places, cut: Cut) {
    this.#writer = writer;
    this.#file = file;
    this.#places = places;
    this.#cut = cut;
    this.#l1 = Buffer.alloc(places.tables - places.l1);
    this.#entries = Buffer.alloc(cut.clusterSize);
    this.#end = places.tables;
  }

  /** Bytes that the overlay takes. */
  get bytes(): number {
    return this.#writer.bytes;
  }

  /** Maps a range of the disk, in ascending order. @param at byte in the file; null for zeros */
  async add(from: number, length: number, at: number | null): Promise<void> {
    const { clusterSize, offset } = this.#cut;
    if (at !== null && at + length > offset + this.#places.length)
      throw badImage(this.#file.path, `is truncated: it has data at ${at}, beyond its end`);
    for (let done = 0; done < length; done += clusterSize) {
      const guest = from + done;
      const table = Math.floor(guest / perTable(clusterSize));
      if (table !== this.#table) await this.#turnTo(table);
      const entry = at === null ? zeroCluster : BigInt(await this.#visible(at - offset + done));
      this.#entries.writeBigUInt64BE(entry, ((guest % perTable(clusterSize)) / clusterSize) * 8);
    }
  }

  /** The place of a cluster; of one that is hidden, that of a copy. */
  async #visible(place: number): Promise<number> {
    if (place >= hiddenBytes) return place;
    const { clusterSize, offset } = this.#cut;
    return await this.#append(await this.#file.readUpTo(offset + place, clusterSize));
  }

  async #append(data: Buffer): Promise<number> {
    const place = this.#end;
    await this.#writer.write({ offset: place, data });
    this.#end += this.#cut.clusterSize;
    return place;
  }

  async #turnTo(table: number): Promise<void> {
    if (this.#table >= 0) {
      const place = await this.#append(this.#entries);
      this.#l1.writeBigUInt64BE(BigInt(place), this.#table * 8);
      this.#entries.fill(0);
    }
    this.#table = table;
  }

  /** Writes what is left. @param size of the disk */
  async finish(size: number): Promise<void> {
    await this.#turnTo(-1);
    const { l1, refcounts } = this.#places;
    await this.#writer.write({ offset: l1, data: this.#l1 });
    const header = fixedHeader({
      bits: Math.log2(this.#cut.clusterSize),
      virtualSize: size,
      l1Offset: l1,
      refcountTableOffset: refcounts,
      refcountTableClusters: 1,
    });
    await this.#writer.write({ offset: 0, data: header });
    await this.#writer.finish();
  }
}

/**
 * Writes the part of a map for an extent.
 * @param map the file of the map @param at where the part begins in it
 * @param file of the extent
 * @returns the bytes that the part takes, and how much of the file it is on
 * @throws KameError BAD_IMAGE, FILE_ACCESS, and the error of the file system
 */
export async function writePart(
  { map, at, file }: { readonly map: FileHandle; readonly at: number; readonly file: ImageFile },
  layer: PlacedLayer,
  extent: PlacedExtent,
  cut: Cut,
): Promise<{ readonly bytes: number; readonly length: number }> {
  const places = placesIn(layer, extent, cut, file.size);
  await using writer = Qcow2Writer.inside(map, at, places.end);
  const part = new PartWriter(writer, file, places, cut);
  for await (const run of extent.runs()) await part.add(extent.start + run.offset, run.length, run.at);
  await part.finish(layer.size);
  return { bytes: part.bytes, length: places.length };
}
