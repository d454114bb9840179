import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What all programs of the host have done since it was started. */
export interface HostCounters {
  /** Bytes of its disks; null where the system does not tell. */
  readonly disks: { readonly readBytes: number; readonly writtenBytes: number } | null;
  /** Bytes of its network adapters; null where the system does not tell. */
  readonly network: { readonly receivedBytes: number; readonly sentBytes: number } | null;
}

/** /proc/diskstats counts in these, whatever the disk has; see Documentation/admin-guide/iostats.rst of Linux. */
const sectorBytes = 512;

/** Block devices that are made of others, or of memory: what they do is counted elsewhere, or is no traffic. */
const madeOfOthers = /^(?:loop|ram|zram|dm-|md|sr|fd|nbd)/;

/** Sums up /proc/diskstats. @param names of the whole disks, since it has their partitions too */
export function diskBytesIn(text: string, names: ReadonlySet<string>): HostCounters['disks'] {
  const rows = text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , name = '']) => names.has(name) && !madeOfOthers.test(name));
  const sum = (column: number) => rows.reduce((total, row) => total + Number(row[column]) * sectorBytes, 0);
  const [readBytes, writtenBytes] = [sum(5), sum(9)];
  return Number.isFinite(readBytes + writtenBytes) ? { readBytes, writtenBytes } : null;
}

/** Sums up /proc/net/dev. @param counts whether an adapter is one of the host, not one that stands for others */
export function networkBytesIn(text: string, counts: (name: string) => boolean): HostCounters['network'] {
  const rows = text.split('\n').flatMap((line) => {
    const [, name, values = ''] = /^\s*([^:\s]+):\s*(.*)$/.exec(line) ?? [];
    return name !== undefined && counts(name) ? [values.split(/\s+/).map(Number)] : [];
  });
  const sum = (column: number) => rows.reduce((total, row) => total + (row[column] ?? Number.NaN), 0);
  const [receivedBytes, sentBytes] = [sum(0), sum(8)];
  return Number.isFinite(receivedBytes + sentBytes) ? { receivedBytes, sentBytes } : null;
}

async function orNull<T>(work: () => Promise<T | null>): Promise<T | null> {
  return await work().catch(() => null);
}

/** Reads the counters of the host. Never throws. */
export async function hostCounters(): Promise<HostCounters> {
  if (process.platform !== 'linux') return { disks: null, network: null };
  const disks = orNull(async () => {
    const names = new Set(await readdir('/sys/block'));
    return diskBytesIn(await readFile('/proc/diskstats', 'utf8'), names);
  });
  const network = orNull(async () => {
    // Bridges, tunnels and the like have no device behind them, and carry what others carry.
    const isReal = (name: string) => existsSync(join('/sys/class/net', name, 'device'));
    return networkBytesIn(await readFile('/proc/net/dev', 'utf8'), isReal);
  });
  return { disks: await disks, network: await network };
}
