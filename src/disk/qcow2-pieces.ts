import type { ImageFile } from './format/image-file.ts';
import { entryBytes, isCompressed, plainOffset, readL1, type Qcow2Mapping } from './qcow2-tables.ts';

/** What one layer has in a range of the disk. */
export interface Piece {
  /** In bytes from the start of the disk. */
  readonly offset: number;
  readonly length: number;
  /** `hole`: the layer below has it. */
  readonly kind: 'data' | 'zero' | 'compressed' | 'hole';
  /** Byte in the file where the data begins, or the compressed cluster. */
  readonly at: number;
  /** Of a compressed cluster, the most bytes that it takes in the file. */
  readonly packedBytes: number;
  /** Bytes of a compressed cluster before this piece. */
  readonly skip: number;
}

const subclusters = 32;

/** A part of a piece, inside of it. */
export function partOf(piece: Piece, from: number, to: number): Piece {
  const by = from - piece.offset;
  const moved = piece.kind === 'compressed' ? { skip: piece.skip + by } : { at: piece.at + by };
  return { ...piece, ...moved, offset: from, length: to - from };
}

/** Appends a piece, joined with the last one if it continues that. */
function append(pieces: Piece[], piece: Piece): void {
  const last = pieces.at(-1);
  const continues =
    last?.kind === piece.kind &&
    piece.kind !== 'compressed' &&
    (piece.kind !== 'data' || last.at + last.length === piece.at);
  if (continues) pieces[pieces.length - 1] = { ...last, length: last.length + piece.length };
  else pieces.push(piece);
}

/** The tables of a qcow2, which say what it has where. Layout: docs/interop/qcow2.txt in QEMU. */
export class Qcow2Pieces {
  readonly #file: ImageFile;
  readonly #mapping: Qcow2Mapping;
  readonly #l1: Buffer;

  private constructor(file: ImageFile, mapping: Qcow2Mapping, l1: Buffer) {
    this.#file = file;
    this.#mapping = mapping;
    this.#l1 = l1;
  }

  /** @throws KameError BAD_IMAGE */
  static async open(file: ImageFile, mapping: Qcow2Mapping): Promise<Qcow2Pieces> {
    return new Qcow2Pieces(file, mapping, await readL1(file, mapping));
  }

  /** The pieces of a range, in order and without gaps. Reads the L2 entries of the range. @throws KameError BAD_IMAGE */
  async in(offset: number, length: number): Promise<Piece[]> {
    const { clusterSize } = this.#mapping;
    const perTable = clusterSize * (clusterSize / entryBytes(this.#mapping));
    const pieces: Piece[] = [];
    const end = offset + length;
    for (let at = offset; at < end;) {
      const table = Math.floor(at / perTable);
      const until = Math.min(end, (table + 1) * perTable);
      const place = this.#tableAt(table);
      if (place === 0) append(pieces, plain('hole', at, until, 0));
      else await this.#add(pieces, at, until, { at: place, base: table * perTable });
      at = until;
    }
    return pieces;
  }

  #tableAt(table: number): number {
    const at = table * 8;
    if (at >= this.#l1.length) return 0;
    return plainOffset(this.#l1.readUInt32BE(at), this.#l1.readUInt32BE(at + 4));
  }

  /** Adds what one L2 table has from byte `from` up to byte `to` of the disk. */
  async #add(
    pieces: Piece[],
    from: number,
    to: number,
    table: { readonly at: number; readonly base: number },
  ): Promise<void> {
    const { clusterSize } = this.#mapping;
    const step = entryBytes(this.#mapping);
    const first = Math.floor((from - table.base) / clusterSize);
    const count = Math.ceil((to - table.base) / clusterSize) - first;
    const entries = await this.#file.read(table.at + first * step, count * step, 'an L2 table');
    for (let index = 0; index < count; index += 1) {
      const start = table.base + (first + index) * clusterSize;
      for (const piece of this.#cluster(entries, index * step, start)) {
        const [begin, end] = [Math.max(from, piece.offset), Math.min(to, piece.offset + piece.length)];
        if (begin < end) append(pieces, partOf(piece, begin, end));
      }
    }
  }

  #cluster(entries: Buffer, at: number, start: number): Piece[] {
    const { clusterSize, extendedL2 } = this.#mapping;
    const [high, low] = [entries.readUInt32BE(at), entries.readUInt32BE(at + 4)];
    const end = start + clusterSize;
    if (isCompressed(high)) return [compressed(entries.readBigUInt64BE(at), start, clusterSize)];
    const place = plainOffset(high, low);
    if (extendedL2) return this.#subclusters(entries, at + 8, start, place);
    if ((low & 1) !== 0) return [plain('zero', start, end, 0)];
    return [place === 0 ? plain('hole', start, end, 0) : plain('data', start, end, place)];
  }

  /** The upper half of the bitmap says which subclusters are zeros, the lower half which have data. */
  #subclusters(entries: Buffer, at: number, start: number, place: number): Piece[] {
    const [zeros, data] = [entries.readUInt32BE(at), entries.readUInt32BE(at + 4)];
    const bytes = this.#mapping.clusterSize / subclusters;
    return Array.from({ length: subclusters }, (_, index) => {
      const from = start + index * bytes;
      const kind = ((zeros >>> index) & 1) !== 0 ? 'zero' : ((data >>> index) & 1) !== 0 ? 'data' : 'hole';
      return plain(kind, from, from + bytes, kind === 'data' ? place + index * bytes : 0);
    });
  }
}

function plain(kind: 'data' | 'zero' | 'hole', from: number, to: number, at: number): Piece {
  return { offset: from, length: to - from, kind, at, packedBytes: 0, skip: 0 };
}

/** A compressed cluster: where it begins, and in how many further sectors of 512 bytes it ends. */
function compressed(entry: bigint, start: number, clusterSize: number): Piece {
  const sectorBits = BigInt(Math.log2(clusterSize) - 8);
  const placeBits = 62n - sectorBits;
  const at = Number(entry & ((1n << placeBits) - 1n));
  const sectors = Number((entry >> placeBits) & ((1n << sectorBits) - 1n)) + 1;
  const packedBytes = sectors * 512 - (at % 512);
  return { offset: start, length: clusterSize, kind: 'compressed', at, packedBytes, skip: 0 };
}
