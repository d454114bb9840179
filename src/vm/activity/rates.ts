import type { ActivitySample, MachineActivity } from '../../api/activity.ts';

/** What one engine has used up to a moment. */
export interface EngineReading {
  readonly id: string;
  readonly name: string;
  readonly pid: number;
  readonly cpuMs: number;
  readonly residentBytes: number;
  readonly privateBytes: number | null;
  readonly configuredBytes: number;
  readonly disks: { readonly readBytes: number; readonly writtenBytes: number } | null;
}

/** The counters of the host and its engines at a moment. */
export interface Reading {
  /** Milliseconds of a clock that never goes back. */
  readonly atMs: number;
  /** Processor time of all programs since the start of the host, and its number of processors. */
  readonly busyMs: number;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly freeBytes: number;
  readonly engines: readonly EngineReading[];
}

/** What was used a second between two readings; counters that were reset, by a new engine for example, count as 0. */
function rate(before: number, after: number, ms: number): number {
  return ms <= 0 ? 0 : Math.max(0, ((after - before) * 1000) / ms);
}

function machineBetween(before: EngineReading | undefined, now: EngineReading, ms: number): MachineActivity {
  const isSame = before?.pid === now.pid;
  const diskRate = (of: 'readBytes' | 'writtenBytes') =>
    now.disks && before?.disks && isSame ? rate(before.disks[of], now.disks[of], ms) : null;
  return {
    id: now.id,
    name: now.name,
    cpus: isSame ? rate(before.cpuMs, now.cpuMs, ms) / 1000 : 0,
    residentBytes: now.residentBytes,
    privateBytes: now.privateBytes,
    configuredBytes: now.configuredBytes,
    readBytesPerSecond: diskRate('readBytes'),
    writtenBytesPerSecond: diskRate('writtenBytes'),
  };
}

/** What was used between two readings. @param at the time of the second one, ISO 8601 */
export function sampleBetween(before: Reading, now: Reading, at: string): ActivitySample {
  const ms = now.atMs - before.atMs;
  const old = new Map(before.engines.map((engine) => [engine.id, engine]));
  const cpus = Math.min(now.cpuCount, rate(before.busyMs, now.busyMs, ms) / 1000);
  const { cpuCount, memoryBytes, freeBytes } = now;
  return {
    at,
    host: { cpus, cpuCount, memoryBytes, freeBytes },
    machines: now.engines.map((engine) => machineBetween(old.get(engine.id), engine, ms)),
  };
}
