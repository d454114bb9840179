import { readFile } from 'node:fs/promises';
import { run } from './process.ts';

/** What a process has used and holds. */
export interface ProcessUsage {
  /** Processor time since its start, in milliseconds. */
  readonly cpuMs: number;
  /** Memory in RAM, in bytes, including what it shares with others. */
  readonly residentBytes: number;
  /** Memory that only it has, in bytes; null where the system does not tell. */
  readonly privateBytes: number | null;
}

/** USER_HZ: the unit of times in /proc, 100 a second on every architecture of Linux that Kame runs on (proc(5), time(7)). */
const ticksPerSecond = 100;
const psMs = 5000;

/** Bytes of a field such as `VmRSS:   1234 kB`; undefined without it. */
function kilobytesOf(text: string, field: string): number | undefined {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
  return found === undefined ? undefined : Number(found) * 1024;
}

/** Reads the files of /proc of a process; see proc(5). */
export function usageIn(stat: string, rollup: string | undefined, status: string): ProcessUsage | undefined {
  // The name of the program, in parentheses, may contain anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  const residentBytes = kilobytesOf(status, 'VmRSS');
  if (!Number.isFinite(ticks) || residentBytes === undefined) return undefined;
  const clean = rollup && kilobytesOf(rollup, 'Private_Clean');
  const dirty = rollup && kilobytesOf(rollup, 'Private_Dirty');
  const privateBytes = typeof clean === 'number' && typeof dirty === 'number' ? clean + dirty : null;
  return { cpuMs: (ticks * 1000) / ticksPerSecond, residentBytes, privateBytes };
}

/** Milliseconds of a time as `ps` prints it: `1-02:03:04`, `02:03:04`, or `03:04.56`; see ps(1). */
function psTimeMs(text: string): number {
  const [, days = '0', clock = 'none'] = /^(?:(\d+)-)?([\d:.]+)$/.exec(text) ?? [];
  const seconds = clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return (Number(days) * 86_400 + seconds) * 1000;
}

/** Reads the output of `ps -o pid=,rss=,time=`. */
export function usageInPs(text: string): Map<number, ProcessUsage> {
  const found = new Map<number, ProcessUsage>();
  for (const line of text.split('\n')) {
    const [pid, rss, time = ''] = line.trim().split(/\s+/);
    const cpuMs = psTimeMs(time);
    if (!pid || !Number.isFinite(cpuMs)) continue;
    found.set(Number(pid), { cpuMs, residentBytes: Number(rss) * 1024, privateBytes: null });
  }
  return found;
}

async function linuxUsage(pid: number): Promise<ProcessUsage | undefined> {
  const read = async (name: string) => await readFile(`/proc/${pid}/${name}`, 'utf8');
  try {
    const [stat, status, rollup] = await Promise.all([
      read('stat'),
      read('status'),
      // Linux before 4.14 does not have it, and the files of another user's process are closed to us.
      read('smaps_rollup').catch(() => undefined),
    ]);
    return usageIn(stat, rollup, status);
  } catch {
    return undefined;
  }
}

/** What processes use, by their ids. Those that are gone are left out. */
export async function processUsage(pids: readonly number[]): Promise<Map<number, ProcessUsage>> {
  if (pids.length === 0) return new Map();
  if (process.platform !== 'linux') {
    const { stdout } = await run('ps', ['-o', 'pid=,rss=,time=', '-p', pids.join(',')], { timeoutMs: psMs });
    return usageInPs(stdout);
  }
  const found = await Promise.all(pids.map(async (pid) => [pid, await linuxUsage(pid)] as const));
  return new Map(found.flatMap(([pid, usage]) => (usage ? [[pid, usage] as const] : [])));
}
