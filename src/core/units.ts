import { KameError } from './errors.ts';

const factors: Record<string, number> = {
  '': 1,
  b: 1,
  k: 1024,
  kb: 1000,
  kib: 1024,
  m: 1024 ** 2,
  mb: 1000 ** 2,
  mib: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1000 ** 3,
  gib: 1024 ** 3,
  t: 1024 ** 4,
  tb: 1000 ** 4,
  tib: 1024 ** 4,
};

/**
 * Reads a size such as `1GiB`, `512M` or `1.5 GB` as bytes. A single letter is binary (`1G` = `1GiB`), as in QEMU.
 * @throws KameError INVALID_VALUE naming the key and the text
 */
export function parseSize(text: string, key = 'size'): number {
  const match = /^\s*(\d{1,15}(?:\.\d{1,6})?)\s*([a-z]*)\s*$/i.exec(text);
  const factor = match ? factors[(match[2] ?? '').toLowerCase()] : undefined;
  const bytes = match && factor !== undefined ? Math.round(Number(match[1]) * factor) : Number.NaN;
  if (!Number.isSafeInteger(bytes)) {
    throw new KameError('INVALID_VALUE', `${key} is "${text}", which is not a size.`, {
      next: 'Write a number and a unit, such as 512MiB, 1GiB or 20GB.',
    });
  }
  return bytes;
}

const steps = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Formats bytes for people: `512 MiB`, `1.5 GiB`. Exact multiples have no decimals. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let step = 0;
  while (value >= 1024 && step < steps.length - 1) {
    value /= 1024;
    step += 1;
  }
  const text = Number.isInteger(value) ? String(value) : value.toFixed(1);
  return `${text} ${steps[step]}`;
}

/** Formats milliseconds for people: `85 ms`, `1.6 s`, `2 min 5 s`. */
export function formatDuration(ms: number): string {
  // Round before comparing, so that 999.7 ms is 1.0 s and not 1000 ms.
  if (Math.round(ms) < 1000) return `${Math.round(ms)} ms`;
  if (Math.round(ms / 100) < 600) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
