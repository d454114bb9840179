/** Old names of units; those of DSP0004 are expressions such as `byte * 2^20`. */
const named: ReadonlyMap<string, number> = new Map([
  ['byte', 1],
  ['bytes', 1],
  ['kb', 2 ** 10],
  ['kilobytes', 2 ** 10],
  ['kib', 2 ** 10],
  ['mb', 2 ** 20],
  ['megabytes', 2 ** 20],
  ['mib', 2 ** 20],
  ['gb', 2 ** 30],
  ['gigabytes', 2 ** 30],
  ['gib', 2 ** 30],
  ['tb', 2 ** 40],
  ['terabytes', 2 ** 40],
]);

/** Bytes of one unit, such as `byte * 2^30` or `MegaBytes`; undefined for another text. */
export function unitBytes(text: string): number | undefined {
  const plain = text.toLowerCase().replace(/\s/gu, '');
  const known = named.get(plain);
  if (known !== undefined) return known;
  const [, base, power] = /^byte\*(\d{1,4})\^(\d{1,2})$/u.exec(plain) ?? [];
  if (base === undefined || power === undefined) return undefined;
  const bytes = Number(base) ** Number(power);
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}

/** A whole number of bytes; undefined if either text is none, or the result is not exact. */
export function bytesOf(quantity: string | undefined, unit: string): number | undefined {
  const factor = unitBytes(unit);
  if (quantity === undefined || factor === undefined || !/^\d{1,16}$/u.test(quantity)) return undefined;
  const bytes = Number(quantity) * factor;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
