import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { KameEvent } from '../../src/api/messages.ts';
import { poll } from '../../src/core/deadline.ts';
import { silentProgress } from '../../src/core/progress.ts';
import { CopyThreads } from '../../src/sys/copy-threads.ts';
import type { Host } from '../../src/vm/host/host.ts';
import type { Running } from '../../src/vm/host/running.ts';
import { listSnapshots } from '../../src/vm/snapshot/snapshots.ts';
import { start } from '../../src/vm/power/start.ts';
import { startBody } from './bodies.ts';
import { buildModule } from './built-module.ts';
import { FakeEngines } from './fake-engine/engines.ts';
import type { When } from './fake-engine/trouble.ts';
import type { FakeEngine } from './fake-engine/engine.ts';
import { testHost } from './test-host.ts';
import { layOutMachine, makeTiny, type WorldMachine } from './world-machine.ts';

export const quiet = silentProgress();

/** Waits for what comes of itself, in a moment. */
export async function until(condition: () => boolean): Promise<void> {
  const look = async () => await Promise.resolve(condition() ? true : undefined);
  if (!(await poll(look, { deadlineMs: 10_000, stepMs: 2 })))
    throw new Error('What was waited for did not come.');
}

let threads: Promise<CopyThreads> | undefined;

/** A thread that copies memory, started when the first test needs it and then used by all: its start takes long. */
async function sharedThreads(): Promise<CopyThreads> {
  await using module = await buildModule(new URL('../../src/bin/memory-copier.ts', import.meta.url));
  const shared = await CopyThreads.start(module.url, 1);
  return {
    copy: async (...order: Parameters<CopyThreads['copy']>) => await shared.copy(...order),
    [Symbol.dispose]: () => undefined,
  } as unknown as CopyThreads;
}

async function startCopyThreads(): Promise<CopyThreads> {
  threads ??= sharedThreads();
  return await threads;
}

export interface WorldOptions {
  /** RAM in the home, since the place for it that all homes of a host share may be small. Default true. */
  readonly ownRam?: boolean;
}

/** A home, hosts on it and the fake engines that they start. */
export class World implements AsyncDisposable {
  readonly home: string;
  readonly engines: FakeEngines;
  /** What the present host logs and reports. */
  readonly logged: string[] = [];
  readonly events: KameEvent[] = [];
  host: Host;
  readonly #options: WorldOptions;
  readonly #abandoned: Promise<unknown>[] = [];
  readonly #hosts: Host[] = [];
  #machines = 0;

  private constructor(home: string, engines: FakeEngines, options: WorldOptions) {
    this.#options = options;
    this.home = home;
    this.engines = engines;
    this.host = this.#makeHost();
  }

  static async make(options: WorldOptions = {}): Promise<World> {
    const home = mkdtempSync(join(tmpdir(), 'kw-'));
    const engines = await FakeEngines.make(join(home, 'qemu'));
    await engines.fillCache(join(home, 'cache'));
    return new World(home, engines, options);
  }

  #makeHost(): Host {
    const { ownRam = true } = this.#options;
    const host = testHost({
      home: this.home,
      ...(ownRam ? { ram: join(this.home, 'ram') } : {}),
      env: { ...process.env, KAME_QEMU_DIR: this.engines.directory },
      log: (message, details) => void this.logged.push(`${message} ${JSON.stringify(details ?? {})}`),
      startCopyThreads,
      buildTiny: async ({ outDir }) => await Promise.resolve(makeTiny(outDir)),
    });
    host.events.listen((event) => void this.events.push(event));
    this.#hosts.push(host);
    return host;
  }

  /** Makes a machine with a disk of 64 MiB, on which is a 7 at 1 MiB: see `diskHas`. */
  machine(name = 'demo', more: readonly string[] = []): WorldMachine {
    this.#machines += 1;
    return layOutMachine(this.home, name, this.#machines, more);
  }

  /** No RAM of a guest can be in a file: the directory for it is open to others. */
  forbidRamFiles(): void {
    mkdirSync(this.host.names.ram, { mode: 0o755 });
  }

  /** Starts a machine; its engine. */
  async start(name = 'demo', body: Parameters<typeof startBody>[0] = {}): Promise<FakeEngine> {
    await start(this.host, name, startBody(body), quiet);
    return this.engines.of(name);
  }

  /** What the host knows of a machine that runs. */
  running(name = 'demo'): Running {
    const machine = this.host.running.all().find((each) => each.name === name);
    if (!machine) throw new Error(`${name} does not run.`);
    return machine;
  }

  /** All that a failed operation must leave as it was: files, configuration, disks, memory, the engine. */
  async look(machine: WorldMachine): Promise<object> {
    const { ram, run } = this.host.names;
    const list = (path: string) => (existsSync(path) ? readdirSync(path).sort() : []);
    const engine = this.host.running.get(machine.vmx) && this.engines.of(machine.name);
    return {
      files: machine.files().filter((name) => !/\.log$|^lock$|^checkpoints$/.test(name)),
      vmx: machine.read(`${machine.name}.vmx`),
      snapshots: (await listSnapshots(this.host, machine.name)).map(({ label, current }) => [label, current]),
      ram: list(ram),
      runs: list(run),
      ...(engine
        ? {
            pid: engine.pid,
            state: engine.state,
            chain: engine.blocks.chainOf('drive-nvme0-0'),
            nodes: engine.blocks.describeNodes().length,
            writable: engine.blocks.writable,
            memory: engine.memory,
            jobs: engine.jobs.describe(),
            frozen: engine.guest.frozen,
          }
        : {}),
    };
  }

  /** The daemon ends in order; its engines run on. The next host takes its place. */
  async replaceHost(): Promise<Host> {
    await this.host.running.detachAll();
    this.host = this.#makeHost();
    return this.host;
  }

  /**
   * The daemon is gone in the middle of `work`: nothing that it awaits from an engine ever comes. The next host takes its
   * place.
   */
  abandonHost(work: Promise<unknown>): Host {
    this.#abandoned.push(work.catch(() => undefined));
    for (const engine of this.engines.all) engine.abandonClient();
    this.host = this.#makeHost();
    return this.host;
  }

  /**
   * Begins `work` and has the daemon die when an engine is asked that; the next host takes its place.
   * @param meanwhile resolves when what does not wait for that engine has come to its end
   */
  async killDaemonAt(
    command: string,
    work: () => Promise<unknown>,
    when: When = {},
    meanwhile: () => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    const hang = this.engines.troubles.hang(command, when);
    const working = work();
    await Promise.race([hang.reached, working]);
    if (hang.met === null) throw new Error(`No engine was asked ${command}.`);
    await meanwhile();
    this.engines.troubles.clear();
    this.abandonHost(working);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host.running.detachAll();
    this.engines.troubles.clear();
    // Whatever an abandoned host does when its connections end, it finds nothing to do it to.
    rmSync(join(this.home, 'machines'), { recursive: true, force: true });
    await this.engines[Symbol.asyncDispose]();
    await Promise.all(this.#abandoned);
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Gives each test a world of its own. */
export function useWorld(options: WorldOptions = {}): () => World {
  let world: World | undefined;
  beforeEach(async () => {
    world = await World.make(options);
  });
  afterEach(async () => {
    await world?.[Symbol.asyncDispose]();
    world = undefined;
  });
  return () => {
    if (!world) throw new Error('There is a world only while a test runs.');
    return world;
  };
}
