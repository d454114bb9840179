import { KameError } from './errors.ts';

/** Words for the traffic of a network adapter, as people and tc(8) write them. */

function wrong(option: string, text: string, form: string, example: string): KameError {
  return new KameError('USAGE', `${option} is "${text.slice(0, 40)}", which is not ${form}.`, {
    next: `For example: ${option} ${example}.`,
  });
}

/** Percent as thousandths: `1%` is 10. @throws KameError USAGE */
export function parseLoss(text: string, option: string): number {
  const digits = /^(\d{1,3}(?:\.\d)?)\s*%$/.exec(text.trim())?.[1];
  const perMille = digits === undefined ? Number.NaN : Math.round(Number(digits) * 10);
  if (perMille <= 1000) return perMille;
  throw wrong(option, text, 'a percentage from 0% to 100%, with at most one decimal', '1.5%');
}

/** A time as milliseconds: `20ms`, `1s`. @throws KameError USAGE */
export function parseLatency(text: string, option: string): number {
  const [, digits, unit] = /^(\d{1,5}(?:\.\d{1,3})?)\s*(ms|s)$/i.exec(text.trim()) ?? [];
  const ms = Number(digits) * (unit?.toLowerCase() === 's' ? 1000 : 1);
  if (Number.isInteger(ms) && ms <= 10_000) return ms;
  throw wrong(option, text, 'a time from 0ms to 10s', '20ms');
}

const rates: Record<string, number> = { k: 1000, m: 1000 ** 2, g: 1000 ** 3 };
const maxRate = 100 * 1000 ** 3;

/** A rate in bits a second: `10mbit`, `1.5Gbit/s`; `none` is null. @throws KameError USAGE */
export function parseBandwidth(text: string, option: string): number | null {
  if (['none', 'off'].includes(text.trim().toLowerCase())) return null;
  const [, digits, unit = ''] =
    /^(\d{1,9}(?:\.\d{1,3})?)\s*([kmg])(?:bit(?:\/s)?|bps)$/i.exec(text.trim()) ?? [];
  // VMware and Kame store whole kilobits.
  const rate = Math.round((Number(digits) * (rates[unit.toLowerCase()] ?? Number.NaN)) / 1000) * 1000;
  if (rate >= 1000 && rate <= maxRate) return rate;
  throw wrong(option, text, 'a rate from 1kbit to 100gbit, or none', '10mbit');
}

/** `10 Mbit/s`, `1.5 Gbit/s`. */
export function formatBandwidth(bitsPerSecond: number): string {
  const power = bitsPerSecond >= 1000 ** 3 ? 3 : bitsPerSecond >= 1000 ** 2 ? 2 : 1;
  return `${Number((bitsPerSecond / 1000 ** power).toFixed(3))} ${['', 'k', 'M', 'G'][power]}bit/s`;
}

/** `1 %`, `0.5 %`. */
export function formatLoss(perMille: number): string {
  return `${perMille / 10} %`;
}
