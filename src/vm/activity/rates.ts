import type { ActivitySample, MachineActivity } from '../../api/activity.ts';
import { energyBetween, type EnergyCounter, type EnergyLack } from '../../sys/energy.ts';
import type { HostCounters } from '../../sys/host-counters.ts';
import type { Traffic } from '../host/network-runtime.ts';

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
  readonly traffic: Traffic | null;
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
  readonly counters: HostCounters;
  readonly energy: ReadonlyMap<string, EnergyCounter> | EnergyLack;
  readonly engines: readonly EngineReading[];
}

/** What was used a second between two readings; counters that were reset, by a new engine for example, count as 0. */
function rate(before: number, after: number, ms: number): number {
  return ms <= 0 ? 0 : Math.max(0, ((after - before) * 1000) / ms);
}

/** The rates of counters that belong together; null unless both readings have them. */
function rates<K extends string>(
  before: Readonly<Record<K, number>> | null,
  now: Readonly<Record<K, number>> | null,
  ms: number,
): Record<K, number> | null {
  if (!before || !now) return null;
  const entries = Object.entries(now) as [K, number][];
  return Object.fromEntries(entries.map(([key, value]) => [key, rate(before[key], value, ms)])) as Record<
    K,
    number
  >;
}

function wattsBetween({ energy: before }: Reading, { energy: now }: Reading, ms: number): number | null {
  if (typeof before === 'string' || typeof now === 'string' || ms <= 0) return null;
  return energyBetween(before, now) / 1000 / ms;
}

function machineBetween(before: EngineReading | undefined, now: EngineReading, ms: number): MachineActivity {
  const isSame = before?.pid === now.pid;
  const disks = rates(isSame ? before.disks : null, now.disks, ms);
  const traffic = rates(isSame ? before.traffic : null, now.traffic, ms);
  return {
    id: now.id,
    name: now.name,
    cpus: isSame ? rate(before.cpuMs, now.cpuMs, ms) / 1000 : 0,
    residentBytes: now.residentBytes,
    privateBytes: now.privateBytes,
    configuredBytes: now.configuredBytes,
    readBytesPerSecond: disks?.readBytes ?? null,
    writtenBytesPerSecond: disks?.writtenBytes ?? null,
    receivedBytesPerSecond: traffic?.receivedBytes ?? null,
    sentBytesPerSecond: traffic?.sentBytes ?? null,
  };
}

/** What was used between two readings. @param at the time of the second one, ISO 8601 */
export function sampleBetween(before: Reading, now: Reading, at: string): ActivitySample {
  const ms = now.atMs - before.atMs;
  const old = new Map(before.engines.map((engine) => [engine.id, engine]));
  const cpus = Math.min(now.cpuCount, rate(before.busyMs, now.busyMs, ms) / 1000);
  const { cpuCount, memoryBytes, freeBytes } = now;
  const disks = rates(before.counters.disks, now.counters.disks, ms);
  const network = rates(before.counters.network, now.counters.network, ms);
  return {
    at,
    host: {
      cpus,
      cpuCount,
      memoryBytes,
      freeBytes,
      readBytesPerSecond: disks?.readBytes ?? null,
      writtenBytesPerSecond: disks?.writtenBytes ?? null,
      receivedBytesPerSecond: network?.receivedBytes ?? null,
      sentBytesPerSecond: network?.sentBytes ?? null,
      watts: wattsBetween(before, now, ms),
      wattsLack: typeof now.energy === 'string' ? now.energy : null,
    },
    machines: now.engines.map((engine) => machineBetween(old.get(engine.id), engine, ms)),
  };
}
