import { cpus, freemem, totalmem } from 'node:os';
import type { ActivitySample } from '../../api/activity.ts';
import { availableMemory } from '../../sys/free-memory.ts';
import { readEnergy } from '../../sys/energy.ts';
import { hostCounters } from '../../sys/host-counters.ts';
import { processUsage } from '../../sys/process-usage.ts';
import type { Host } from '../host/host.ts';
import type { Traffic } from '../host/network-runtime.ts';
import type { Running } from '../host/running.ts';
import { sampleBetween, type EngineReading, type Reading } from './rates.ts';

export type SampleListener = (sample: ActivitySample) => void;

/** Milliseconds between two samples. */
const usualMs = 2000;
/** Milliseconds between the samples that are remembered: an hour of them has 360. */
const keptEveryMs = 10_000;
const maxKept = 360;
/** The most entries of machines that are remembered, however many run: some 20 MB. */
const maxKeptMachines = 36_000;
/** Milliseconds that an engine has to tell what its disks did, and a switch what its ports did. */
const engineMs = 1000;
/** Milliseconds after the last listener in which sampling goes on: a page that is loaded again finds no gap. */
const lingerMs = 60_000;

async function readEngine(
  machine: Running,
  usage: Awaited<ReturnType<typeof processUsage>>,
  traffic: ReadonlyMap<string, Traffic>,
): Promise<EngineReading[]> {
  const { pid } = machine.engine.process;
  const used = usage.get(pid);
  if (!used) return [];
  const disks = machine.engine.qmp.silent
    ? null
    : await machine.engine.diskTraffic(engineMs).catch(() => null);
  const configuredBytes = machine.record.fingerprint.memoryMiB * 1024 * 1024;
  return [
    {
      id: machine.id,
      name: machine.name,
      pid,
      ...used,
      configuredBytes,
      disks,
      traffic: traffic.get(machine.run.directory) ?? null,
    },
  ];
}

async function readHost(host: Host): Promise<Reading> {
  const machines = host.running.all();
  const [usage, traffic, counters, energy] = await Promise.all([
    processUsage(machines.map(({ engine }) => engine.process.pid)),
    host.networks.traffic(engineMs),
    hostCounters(),
    readEnergy(),
  ]);
  const engines = await Promise.all(
    machines.map(async (machine) => await readEngine(machine, usage, traffic)),
  );
  const processors = cpus();
  const busyMs = processors.reduce(
    (sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq,
    0,
  );
  return {
    atMs: performance.now(),
    busyMs,
    cpuCount: processors.length,
    memoryBytes: totalmem(),
    freeBytes: await availableMemory().catch(() => freemem()),
    counters,
    energy,
    engines: engines.flat(),
  };
}

/**
 * Samples what the machines of a host use, while somebody listens. Nothing is read before the first listener and a minute after
 * the last, so a host that nobody looks at pays nothing.
 */
export class Activity {
  readonly #host: Host;
  readonly #everyMs: number;
  readonly #listeners = new Set<SampleListener>();
  #kept: ActivitySample[] = [];
  #keptAtMs = -Infinity;
  #before: Reading | undefined;
  #timer: NodeJS.Timeout | undefined;
  #idleSinceMs = 0;
  #isReading = false;

  /** @param everyMs milliseconds between two samples */
  constructor(host: Host, everyMs = usualMs) {
    this.#host = host;
    this.#everyMs = everyMs;
  }

  /** Sends what is remembered, then each new sample, until the result is disposed. */
  listen(listener: SampleListener): Disposable {
    for (const sample of this.#kept) listener(sample);
    this.#listeners.add(listener);
    if (!this.#timer) {
      this.#timer = setInterval(() => void this.#tick(), this.#everyMs);
      this.#timer.unref();
      void this.#tick();
    }
    return {
      [Symbol.dispose]: () => {
        this.#listeners.delete(listener);
        this.#idleSinceMs = performance.now();
      },
    };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#before = undefined;
  }

  async #tick(): Promise<void> {
    if (this.#listeners.size === 0 && performance.now() - this.#idleSinceMs > lingerMs) {
      this[Symbol.dispose]();
      return;
    }
    // A host that is too busy to answer in time gets no second question.
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      const now = await readHost(this.#host);
      if (this.#before) this.#tell(sampleBetween(this.#before, now, new Date().toISOString()), now.atMs);
      this.#before = now;
    } catch (error) {
      this.#host.log('Activity cannot be read', { error: String(error) });
    } finally {
      this.#isReading = false;
    }
  }

  #tell(sample: ActivitySample, atMs: number): void {
    if (atMs - this.#keptAtMs >= keptEveryMs - this.#everyMs / 2) {
      this.#kept.push(sample);
      this.#keptAtMs = atMs;
      let entries = this.#kept.reduce((sum, { machines }) => sum + machines.length, 0);
      while (this.#kept.length > maxKept || entries > maxKeptMachines)
        entries -= this.#kept.shift()?.machines.length ?? 0;
    }
    for (const listener of this.#listeners) {
      try {
        listener(sample);
      } catch {
        this.#listeners.delete(listener);
      }
    }
  }
}
