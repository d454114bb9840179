import type { Arbitrary } from 'fast-check';

/** Random numbers from a seed (mulberry32): fast, because an attack draws millions of them. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** 0 up to `sides`, without `sides`. */
  roll(sides: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * sides);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.roll(items.length)] as T;
  }
}

/** Bytes and numbers at the edges of what a format can say. */
const edges: readonly Buffer[] = [
  '00',
  'ff',
  '7f',
  '80',
  '0000000000000000',
  'ffffffffffffffff',
  '7fffffffffffffff',
  'fffffffffffffe00',
  '00000000ffffffff',
  '0000000000000001',
  '0100000000000000',
  'c0af',
  'eda080',
  'efbbbf',
  'fffe',
  '0d0a',
  '0d0d0a',
].map((hex) => Buffer.from(hex, 'hex'));

/** Words that many text formats may stumble over. */
const words: readonly Buffer[] = [
  '-1',
  '99999999999999999999',
  '1e308',
  '0x7fffffff',
  '../',
  '/dev/zero',
  '__proto__',
  'constructor',
  'toString',
  'NaN',
  '"',
  '\\',
  '|00',
  '{"a":',
  '[[[[[[[[',
  '\u202e',
  ' '.repeat(200),
  'a'.repeat(2000),
].map((text) => Buffer.from(text));

type Change = (bytes: Buffer, dice: Dice, from: Corpus) => Buffer;

/** What inputs are made from. */
export interface Corpus {
  /** Valid inputs, each up to a few kilobytes: every mutated input begins as one of them. */
  readonly samples: readonly Buffer[];
  /** Pieces of the format: keys, values, magic numbers. */
  readonly pieces: readonly Buffer[];
  /** Inputs that are made otherwise than by changing bytes. */
  readonly generated?: Arbitrary<Buffer>;
}

function splice(bytes: Buffer, at: number, removed: number, added: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)]);
}

const changes: readonly Change[] = [
  // A flipped bit.
  (bytes, dice) => {
    if (bytes.length === 0) return bytes;
    const at = dice.roll(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.roll(8));
    return bytes;
  },
  // Another byte.
  (bytes, dice) => {
    if (bytes.length > 0) bytes[dice.roll(bytes.length)] = dice.roll(256);
    return bytes;
  },
  // A value at the edge in the place of others.
  (bytes, dice) => {
    const edge = dice.pick(edges);
    if (bytes.length >= edge.length) edge.copy(bytes, dice.roll(bytes.length - edge.length + 1));
    return bytes;
  },
  // The same, where numbers of binary formats are: on a multiple of four.
  (bytes, dice) => {
    const edge = dice.pick(edges);
    if (bytes.length >= 16) edge.copy(bytes, dice.roll(Math.min(bytes.length, 128) / 4) * 4);
    return bytes;
  },
  // A cut end.
  (bytes, dice) => bytes.subarray(0, dice.roll(bytes.length + 1)),
  // A piece that is missing.
  (bytes, dice) => splice(bytes, dice.roll(bytes.length + 1), dice.roll(40), Buffer.alloc(0)),
  // A piece of the format, or a bad word, in between.
  (bytes, dice, { pieces }) => splice(bytes, dice.roll(bytes.length + 1), 0, dice.pick(pieces)),
  (bytes, dice) => splice(bytes, dice.roll(bytes.length + 1), dice.roll(12), dice.pick(words)),
  // A piece that is there twice, or many times.
  (bytes, dice) => {
    const start = dice.roll(bytes.length + 1);
    const piece = Buffer.from(bytes.subarray(start, start + dice.roll(120)));
    const times = dice.roll(20) === 0 ? 50 : 1;
    return splice(
      bytes,
      dice.roll(bytes.length + 1),
      0,
      Buffer.concat(Array.from({ length: times }, () => piece)),
    );
  },
  // The beginning of this one, and the end of another.
  (bytes, dice, { samples }) => {
    const other = dice.pick(samples);
    return Buffer.concat([
      bytes.subarray(0, dice.roll(bytes.length + 1)),
      other.subarray(dice.roll(other.length + 1)),
    ]);
  },
];

/** The input that a seed stands for: one of the samples, with one to six changes. */
export function mutated(seed: number, from: Corpus): Buffer {
  const dice = new Dice(seed);
  let bytes: Buffer = Buffer.from(dice.pick(from.samples));
  for (let left = 1 + dice.roll(6); left > 0; left -= 1) bytes = dice.pick(changes)(bytes, dice, from);
  return bytes;
}
