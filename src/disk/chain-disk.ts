import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { inOrder } from '../core/in-order.ts';
import { layersOf, type Layer } from './chain.ts';
import type { Disk, DiskBlock } from './format/disk.ts';
import { badImage, ImageFile } from './format/image-file.ts';
import { openPart } from './map-view.ts';
import { checkQcow2, type Qcow2Facts } from './qcow2-header.ts';
import { partOf, Qcow2Pieces, type Piece } from './qcow2-pieces.ts';

const inflateAsync = promisify(inflateRaw);
const sectorBytes = 512;
const blockBytes = 1024 * 1024;
/** How much of the disk is looked up in the tables at once: a multiple of every cluster size. */
const windowBytes = 32 * blockBytes;
/** Blocks that are read at the same time. */
const readAhead = 8;

/** A layer that is open for reading. */
interface OpenLayer {
  readonly file: ImageFile;
  /** Size of the disk in this layer; what is beyond it reads as zeros. */
  readonly size: number;
  /** Absent for a raw layer. */
  readonly qcow2?: Qcow2Facts & { readonly pieces: Qcow2Pieces };
}

/** A piece with data, and the layer that has it. */
interface Source {
  readonly layer: OpenLayer;
  readonly piece: Piece;
}

async function openQcow2(file: ImageFile, facts: Qcow2Facts): Promise<OpenLayer> {
  const pieces = await Qcow2Pieces.open(file, facts.mapping);
  return { file, size: facts.virtualSize, qcow2: { ...facts, pieces } };
}

async function openFile({ path, format, virtualSize: size }: Layer): Promise<OpenLayer> {
  const file = await ImageFile.open(path);
  try {
    if (format === 'raw') return { file, size };
    return await openQcow2(file, await checkQcow2(file, { backing: 'tell', tables: false }));
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

/** Opens a layer; a map is several of them. The caller closes what was added to `opened`, even after an error. */
async function openLayer(layer: Layer, opened: OpenLayer[]): Promise<void> {
  if (!layer.map) opened.push(await openFile(layer));
  for (const part of layer.map?.parts ?? []) {
    const { file, facts } = await openPart(layer.path, part, { tables: false });
    opened.push(await openQcow2(file, facts));
  }
}

async function piecesOf({ qcow2 }: OpenLayer, offset: number, length: number): Promise<Piece[]> {
  if (qcow2) return await qcow2.pieces.in(offset, length);
  return [{ offset, length, kind: 'data', at: offset, packedBytes: 0, skip: 0 }];
}

/** Where the data of a range of the disk is, in order. The rest of the range is zeros. */
async function sourcesIn(layers: readonly OpenLayer[], offset: number, length: number): Promise<Source[]> {
  const sources: Source[] = [];
  let holes: readonly Pick<Piece, 'offset' | 'length'>[] = [{ offset, length }];
  for (const layer of layers) {
    const below: Piece[] = [];
    for (const hole of holes) {
      const within = Math.min(hole.length, layer.size - hole.offset);
      if (within <= 0) continue;
      for (const piece of await piecesOf(layer, hole.offset, within)) {
        if (piece.kind === 'hole') below.push(piece);
        else if (piece.kind !== 'zero') sources.push({ layer, piece });
      }
    }
    holes = below;
    if (holes.length === 0) break;
  }
  return sources.sort((a, b) => a.piece.offset - b.piece.offset);
}

/** The sources of one block. */
interface BlockPlan {
  readonly offset: number;
  readonly length: number;
  readonly sources: Source[];
}

/** Divides sources into blocks at multiples of the size of a block. */
function blocksOf(sources: readonly Source[], size: number): BlockPlan[] {
  const plans: BlockPlan[] = [];
  for (const { layer, piece } of sources) {
    const end = piece.offset + piece.length;
    for (let from = piece.offset; from < end;) {
      const offset = Math.floor(from / blockBytes) * blockBytes;
      const to = Math.min(end, offset + blockBytes);
      let plan = plans.at(-1);
      if (plan?.offset !== offset) {
        plan = { offset, length: Math.min(blockBytes, size - offset), sources: [] };
        plans.push(plan);
      }
      plan.sources.push({ layer, piece: partOf(piece, from, to) });
      from = to;
    }
  }
  return plans;
}

async function unpack({ file, qcow2 }: OpenLayer, piece: Piece): Promise<Buffer> {
  if (qcow2?.compression === 'zstd') {
    throw badImage(
      file.path,
      'is compressed with zstd, which cannot be read here',
      'Make a disk without compression of it first: `kame disk compact` does.',
    );
  }
  const packed = await file.readUpTo(piece.at, piece.packedBytes);
  const clusterSize = qcow2?.clusterSize ?? 0;
  try {
    // What follows the compressed data in its last sector belongs to other clusters.
    const cluster = await inflateAsync(packed, { maxOutputLength: clusterSize });
    if (cluster.length === clusterSize) return cluster.subarray(piece.skip, piece.skip + piece.length);
  } catch {
    // Said below.
  }
  throw badImage(file.path, `is damaged: the compressed cluster at byte ${piece.at} cannot be decompressed`);
}

async function readPiece({ layer, piece }: Source, into: Buffer): Promise<void> {
  if (piece.kind === 'compressed') {
    (await unpack(layer, piece)).copy(into);
    return;
  }
  const bytes = await layer.file.readInto(into, piece.at);
  if (bytes === into.length) return;
  // A raw file need not end at the end of a sector.
  if (layer.qcow2)
    throw badImage(layer.file.path, `is truncated: a cluster is at ${piece.at}, beyond its end`);
  into.fill(0, bytes);
}

async function readBlock({ offset, length, sources }: BlockPlan): Promise<DiskBlock> {
  const covered = sources.reduce((sum, { piece }) => sum + piece.length, 0);
  const data = covered === length ? Buffer.allocUnsafe(length) : Buffer.alloc(length);
  for (const source of sources) {
    const from = source.piece.offset - offset;
    await readPiece(source, data.subarray(from, from + source.piece.length));
  }
  return { offset, data };
}

/** The content of a chain of layers, as its guest sees it. */
class ChainDisk implements Disk {
  readonly size: number;
  readonly blockSize = blockBytes;
  readonly estimate: number;
  readonly #layers: readonly OpenLayer[];

  constructor(layers: readonly OpenLayer[], size: number, estimate: number) {
    this.#layers = layers;
    this.size = size;
    this.estimate = estimate;
  }

  async *#plans(): AsyncGenerator<BlockPlan> {
    for (let at = 0; at < this.size; at += windowBytes) {
      const length = Math.min(windowBytes, this.size - at);
      yield* blocksOf(await sourcesIn(this.#layers, at, length), this.size);
    }
  }

  blocks(): AsyncGenerator<DiskBlock> {
    return inOrder(this.#plans(), readAhead, readBlock);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { file } of this.#layers) await file[Symbol.asyncDispose]();
  }
}

/** Bytes of the disk that have data in some layer. A raw layer has as much as it takes on the host. */
async function dataBytes(layers: readonly OpenLayer[], size: number): Promise<number> {
  let [bytes, raw] = [0, 0];
  for (let at = 0; at < size; at += windowBytes) {
    for (const { layer, piece } of await sourcesIn(layers, at, Math.min(windowBytes, size - at))) {
      if (layer.qcow2) bytes += piece.length;
      else raw += piece.length;
    }
  }
  const lowest = layers.at(-1);
  return bytes + Math.min(raw, lowest && !lowest.qcow2 ? lowest.file.allocated : 0);
}

/**
 * Opens a checked chain of layers for reading: what its guest sees, in blocks of 1 MiB and in whole sectors. Nothing may write to the layers in the
 * meantime. The caller must dispose of it.
 * @throws KameError BAD_IMAGE, NO_SUCH_IMAGE, FILE_ACCESS
 */
export async function openChain(top: Layer): Promise<Disk> {
  const layers: OpenLayer[] = [];
  try {
    for (const layer of layersOf(top)) await openLayer(layer, layers);
    const size = Math.ceil(top.virtualSize / sectorBytes) * sectorBytes;
    return new ChainDisk(layers, size, await dataBytes(layers, size));
  } catch (error) {
    for (const { file } of layers) await file[Symbol.asyncDispose]();
    throw error;
  }
}
