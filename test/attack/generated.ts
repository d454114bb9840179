import fc from 'fast-check';

// Inputs that fast-check makes of what a format consists of: numbers at their places, or lines.

/** Bytes of a format in which numbers are, from its beginning: first byte, and the byte behind the last. */
export type NumberRange = readonly [from: number, to: number];

const edges = [
  ...[0n, 1n, 2n, 3n, 7n, 8n, 127n, 128n, 511n, 512n, 513n, 1023n, 4096n, 65_536n],
  ...[2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 40n, 2n ** 53n, 2n ** 60n + 1n],
  ...[2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 63n + 512n, 2n ** 64n - 512n, 2n ** 64n - 1n],
];
const anyNumber = fc.oneof(
  fc.constantFrom(...edges),
  fc.bigInt({ min: 0n, max: 64n }),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);

function writeNumber(bytes: Buffer, at: number, size: number, value: bigint, order: 'BE' | 'LE'): void {
  if (at + size > bytes.length) return;
  const short = BigInt.asUintN(size * 8, value);
  const number = Buffer.alloc(8);
  number.writeBigUInt64LE(short);
  const little = number.subarray(0, size);
  (order === 'LE' ? little : little.reverse()).copy(bytes, at);
}

/** Valid files of a binary format, with some of their numbers replaced. */
export function withNumbers(
  samples: readonly Buffer[],
  ranges: readonly NumberRange[],
  order: 'BE' | 'LE',
): fc.Arbitrary<Buffer> {
  const places = ranges.flatMap(([from, to]) =>
    Array.from({ length: Math.ceil((to - from) / 4) }, (_none, index) => from + index * 4),
  );
  const change = fc.tuple(fc.constantFrom(...places), fc.constantFrom(8, 4, 2), anyNumber);
  return fc
    .tuple(fc.constantFrom(...samples), fc.array(change, { minLength: 1, maxLength: 4 }))
    .map(([sample, changes]) => {
      const bytes = Buffer.from(sample);
      for (const [at, size, value] of changes) writeNumber(bytes, at, size, value, order);
      return bytes;
    });
}

const anyValue = fc.oneof(
  fc.constantFrom(
    'TRUE',
    'FALSE',
    '0',
    '1',
    '-1',
    '4294967296',
    '1e9',
    '',
    'x',
    '|22',
    '|0',
    '../x',
    '/etc/passwd',
  ),
  fc.string({ maxLength: 8 }),
  fc.nat().map(String),
);

/** Lines `key = "value"`, some of whose values are those of the format. @param beginnings with which most keys begin; `#` is a number */
export function dictionary(
  beginnings: readonly string[],
  endings: readonly string[],
  values: readonly string[],
): fc.Arbitrary<Buffer> {
  const line = fc
    .tuple(
      fc.constantFrom(...beginnings),
      fc.nat({ max: 3 }),
      fc.constantFrom(...endings),
      fc.oneof(fc.constantFrom(...values), anyValue),
    )
    .map(
      ([beginning, number, ending, value]) =>
        `${beginning.replace('#', String(number))}${ending} = "${value}"`,
    );
  return textOf(line);
}

/** Up to a dozen lines. @param first what every file begins with */
export function textOf(line: fc.Arbitrary<string>, first = ''): fc.Arbitrary<Buffer> {
  return fc.array(line, { maxLength: 12 }).map((lines) => Buffer.from(`${first}${lines.join('\n')}\n`));
}

/** Words of a format, one after the other, with any text in between. */
export function wordsOf(words: readonly string[], separator: string, most = 6): fc.Arbitrary<string> {
  return fc
    .array(fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...words) }, anyValue), { maxLength: most })
    .map((parts) => parts.join(separator));
}
