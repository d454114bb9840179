import type { ImageFile } from '../../src/disk/format/image-file.ts';
import { noBlock, vdiFile } from '../support/vdi.ts';
import { logEntry, mebibyte, sealed, vhdxPieces, type FilePiece, type VhdxOptions } from '../support/vhdx.ts';
import { withNumbers } from './generated.ts';
import { piecedImage } from './memory-image.ts';
import type { Corpus } from './mutation.ts';

const vdis = [vdiFile(), vdiFile({ type: 2, map: [0, 1] }), vdiFile({ map: [noBlock, noBlock - 1, 1] })];

export const vdiCorpus: Corpus = {
  samples: vdis,
  generated: withNumbers(
    vdis,
    [
      [64, 80],
      [340, 392],
      [512, 524],
    ],
    'LE',
  ),
  pieces: ['7f10dabe01000100', 'feffffff', '00000010', '0002000000000000'].map((hex) =>
    Buffer.from(hex, 'hex'),
  ),
};

/** The beginning of a disk with a partition table: of a BIOS, with code, or a GPT with an EFI system partition. */
function bootHead(gpt: boolean): Buffer {
  const head = Buffer.alloc(1024 + 128);
  head.writeUInt16LE(0xaa55, 510);
  head.writeUInt8(gpt ? 0xee : 0x83, 446 + 4);
  if (!gpt) return head.fill(0x90, 0, 4);
  head.write('EFI PART', 512);
  head.writeUInt32LE(128, 512 + 84);
  head.write('28732ac11ff8d211ba4b00a0c93ec93b', 1024, 'hex');
  return head;
}

const bootHeads = [bootHead(false), bootHead(true)];

export const bootCorpus: Corpus = {
  samples: bootHeads,
  generated: withNumbers(
    bootHeads,
    [
      [440, 512],
      [512, 604],
      [1024, 1056],
    ],
    'LE',
  ),
  pieces: ['55aa', '4546492050415254', '28732ac11ff8d211ba4b00a0c93ec93b'].map((hex) =>
    Buffer.from(hex, 'hex'),
  ),
};

const guid = '01020304-0506-0708-090a-0b0c0d0e0f10';

/** A disk and its log, of which only the headers may know. */
function pieces(options: VhdxOptions): FilePiece[] {
  const sector = Buffer.alloc(4096);
  sector.writeBigUInt64LE((5n << 20n) | 6n);
  const entry = logEntry({
    guid,
    sequence: 1,
    tail: 0,
    fileBytes: 6 * mebibyte,
    writes: [
      { at: 3 * mebibyte, sector },
      { at: 4 * mebibyte, zeros: 4096 },
    ],
  });
  return [
    ...vhdxPieces(options),
    { at: mebibyte, bytes: entry.subarray(0, 160) },
    { at: mebibyte + 4096, bytes: entry.subarray(4096, 4096 + 64) },
    { at: mebibyte + 8192 - 8, bytes: entry.subarray(-8) },
  ];
}

const plain = pieces({});
const logged = pieces({
  headers: [
    { sequence: 1, logGuid: guid },
    { sequence: 2, logGuid: guid },
  ],
});
const blocks = pieces({
  table: [
    [5, 6],
    [0, 3],
    [4, 6],
  ],
});

/** Only the pieces that are not zeros: their places are fixed. */
const vhdxs = [plain, logged, blocks].map((sample) => Buffer.concat(sample.map(({ bytes }) => bytes)));

export const vhdxCorpus: Corpus = {
  samples: vhdxs,
  generated: withNumbers(vhdxs, [[0, vhdxs[0]?.length ?? 0]], 'LE'),
  pieces: ['0600400000000000', '6c6f6765', '7a65726f', '64657363', '68656164', '72656769'].map((hex) =>
    Buffer.from(hex, 'hex'),
  ),
};

const seals = new Map<string, Buffer>();

/** The checksum of a region table is over 64 KiB; most inputs have one of the usual tables. */
function sealRegions(bytes: Buffer): void {
  if (bytes.length < 8) return;
  bytes.writeUInt32LE(0, 4);
  const key = bytes.toString('latin1');
  const known = seals.get(key) ?? Buffer.from(sealed(bytes, 64 * 1024).subarray(4, 8));
  if (seals.size < 100) seals.set(key, known);
  known.copy(bytes, 4);
}

/** Both headers, the region table and the entry of the log have checksums, which would hide all else. */
function withChecksums(found: readonly FilePiece[]): readonly FilePiece[] {
  const [, first, second, regions, ...others] = found;
  const [head, data, end] = others.slice(-3);
  if (first) sealed(first.bytes, 4096);
  if (second) sealed(second.bytes, 4096);
  if (regions) sealRegions(regions.bytes);
  if (head && data && end) {
    const entry = Buffer.alloc(8192);
    head.bytes.copy(entry);
    data.bytes.copy(entry, 4096);
    end.bytes.copy(entry, 8192 - 8);
    sealed(entry, 8192).copy(head.bytes);
  }
  return found;
}

/** The file that a mutated input stands for. */
export function vhdxImage(input: Buffer): ImageFile {
  let from = 0;
  const found = plain.map(({ at, bytes: { length } }) => {
    from += length;
    return { at, bytes: input.subarray(from - length, from) };
  });
  return piecedImage(6 * mebibyte, withChecksums(found));
}
