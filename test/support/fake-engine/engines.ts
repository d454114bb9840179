import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../../src/core/errors.ts';
import { engineKey } from '../../../src/qemu/capabilities/cache.ts';
import { findQemuImg } from '../../../src/qemu/capabilities/find-engine.ts';
import type { Capabilities } from '../../../src/qemu/capabilities/capabilities.ts';
import type { Schema } from '../../../src/qemu/qmp/schema.ts';
import type { Arch } from '../../../src/model/machine.ts';
import type { Display3dOptions } from '../fake-display-3d.ts';
import { recordedCapabilities, recordedSchema } from '../plan-inputs.ts';
import { FakeEngine } from './engine.ts';
import { readEngineArguments } from './engine-arguments.ts';
import { usualGuest, type GuestOptions } from './guest.ts';
import { programText } from './program.ts';
import { startedPipe } from './started-pipe.ts';
import { Troubles } from './trouble.ts';

const version = '7.2';
/** Milliseconds between two signals for an order: the program may miss one. */
const orderAgainMs = 100;
const architectures: readonly Arch[] = ['aarch64', 'x86_64'];

/** What was recorded, read once. */
const recorded = new Map<Arch, Capabilities>();

/** What an engine for an architecture can do: only emulate, on any host. */
function known(arch: Arch): Capabilities {
  const capabilities = recorded.get(arch) ?? {
    ...recordedCapabilities(version, arch),
    accelerators: ['tcg'],
  };
  recorded.set(arch, capabilities);
  return capabilities;
}

let schema: Schema | undefined;

function schemaOf(): Schema {
  schema ??= recordedSchema(version, 'aarch64');
  return schema;
}

/** Sends a signal to a process; to one that has ended, none. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}

let qemuImg: Promise<string> | undefined;

/** The installed qemu-img, looked for once. */
async function installedQemuImg(): Promise<string> {
  const os = process.platform === 'darwin' ? 'darwin' : 'linux';
  qemuImg ??= findQemuImg({ env: process.env, os });
  return await qemuImg;
}

/** A directory for KAME_QEMU_DIR, whose QEMU is served by the test; its qemu-img is the installed one. */
export class FakeEngines implements AsyncDisposable {
  readonly directory: string;
  readonly troubles = new Troubles();
  /** Those that were started, in order. */
  readonly all: FakeEngine[] = [];
  /** What the guests of engines are like that start from now on. */
  guest: GuestOptions = usualGuest;
  blockedReasons: readonly string[] = [];
  /** The display that engines have which are started to test it. */
  display3d: Display3dOptions = {};
  /** Engines that start from now on never open a monitor. */
  mute = false;
  readonly #listening: Disposable;

  private constructor(directory: string) {
    this.directory = directory;
    this.#listening = startedPipe().listen(directory, (pid) => this.#started(pid));
  }

  static async make(directory: string): Promise<FakeEngines> {
    mkdirSync(directory, { recursive: true });
    for (const arch of architectures) {
      const text = programText(startedPipe().path, startedPipe().hold);
      writeFileSync(join(directory, `qemu-system-${arch}`), text, { mode: 0o755 });
    }
    symlinkSync(await installedQemuImg(), join(directory, 'qemu-img'));
    return new FakeEngines(directory);
  }

  /** Writes the capabilities of the engines, and devices besides, into the cache of a host, so that they are not probed. */
  async fillCache(cacheDirectory: string, moreDevices: readonly string[] = []): Promise<void> {
    mkdirSync(cacheDirectory, { recursive: true });
    for (const arch of architectures) {
      const binary = join(this.directory, `qemu-system-${arch}`);
      const digest = createHash('sha256').update(binary).digest('hex').slice(0, 16);
      const devices = [...known(arch).devices, ...moreDevices];
      const capabilities = { ...known(arch), binary, devices };
      const key = `${binary}|${await engineKey(binary)}`;
      writeFileSync(
        join(cacheDirectory, `engine-${digest}.json`),
        JSON.stringify({ format: 2, key, capabilities }),
      );
    }
  }

  /** Lines of shell that engines run before anything else, such as last words and an exit; empty for none. */
  set begin(lines: string) {
    const path = join(this.directory, 'begin');
    if (lines === '') rmSync(path, { force: true });
    else writeFileSync(path, lines);
  }

  /** The engine of a machine that was started last. */
  of(machine: string): FakeEngine {
    const engine = this.all.findLast(({ name }) => name === machine);
    if (!engine) throw new Error(`No engine of ${machine} was started.`);
    return engine;
  }

  #started(pid: number): void {
    const words = readFileSync(join(this.directory, `${pid}.arguments`), 'utf8')
      .split('\0')
      .slice(0, -1);
    const engine = new FakeEngine({
      pid,
      given: readEngineArguments(words),
      guest: this.guest,
      schema: schemaOf(),
      troubles: this.troubles,
      blockedReasons: this.blockedReasons,
      display3d: this.display3d,
      mute: this.mute,
      order: (line) => this.#order(pid, line),
    });
    this.all.push(engine);
    engine.open().catch(() => signal(pid, 'SIGKILL'));
  }

  #order(pid: number, line: string): void {
    writeFileSync(join(this.directory, `${pid}.order`), `${line}\n`);
    signal(pid, 'SIGUSR1');
    const again = setInterval(() => signal(pid, 'SIGUSR1'), orderAgainMs);
    again.unref();
    void this.all.find((engine) => engine.pid === pid)?.ended.then(() => clearInterval(again));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { pid } of this.all) signal(pid, 'SIGKILL');
    await Promise.all(this.all.map(async ({ ended }) => await ended));
    for (const engine of this.all) engine.hangUpAbandoned();
    this.#listening[Symbol.dispose]();
  }
}
