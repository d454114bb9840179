import { formatSize } from '../../../src/core/units.ts';

/** Processors in use, such as `1.25`. */
export function processors(count: number): string {
  return String(Math.round(count * 100) / 100);
}

/** A number of bytes with its unit. */
export function size(bytes: number): string {
  return formatSize(Math.round(bytes));
}

/** Bytes a second. */
export function perSecond(bytes: number): string {
  return `${formatSize(Math.round(bytes))}/s`;
}

/** Power, such as `4.5 W`. */
export function watts(value: number): string {
  return `${Math.round(value * 10) / 10} W`;
}

/** The steps of a scale of bytes: powers of two, up to those of the largest hosts. */
export const byteSteps: readonly number[] = Array.from({ length: 44 }, (_, power) => 2 ** power);
