import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { FakeDisplay3d } from '../fake-display-3d.ts';
import { FakeQemu, type FakeAnswer, type FakeCommand } from '../fake-qemu.ts';
import { validateAgainstSchema } from '../validate-schema.ts';
import { BlockGraph } from './block-graph.ts';
import { BlockJobs } from './block-jobs.ts';
import { commands } from './commands.ts';
import type { EngineOptions } from './engine-options.ts';
import { FakeGuest } from './guest.ts';
import { FakeNics } from './nics.ts';
import { FakeTransfer } from './transfer.ts';
import { memoryAt, memoryBytes, memoryIn, type FakeState } from './migration.ts';
import { Refusal } from './refusal.ts';
import type { Victim } from './trouble.ts';

/** QEMU's words for what a machine does, as `query-status` gives them. */
export type RunState = 'running' | 'paused' | 'inmigrate' | 'postmigrate' | 'io-error' | 'guest-panicked';

/** How a migration ended, or how far it is. */
export interface MigrationState {
  status: 'none' | 'setup' | 'active' | 'completed' | 'failed' | 'cancelled';
  error: string | null;
  /** `x-ignore-shared`: RAM in a shared file is not part of the state. */
  ignoreShared: boolean;
  /** How often the guest is to tell its networks its addresses once it goes on. */
  announceRounds: number;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The schema does not have the properties of a device, which `device_add` takes too. */
function checkable(execute: string, args: Readonly<Record<string, unknown>>): object {
  if (execute !== 'device_add') return args;
  const { driver, bus, id } = args;
  return { driver, bus, id };
}

/**
 * An engine that runs: a real process, whose monitors, guest agent and console are served here. It speaks QMP as QEMU
 * 7.2 does; a command that it does not know is refused, so that no new need of the program stays unnoticed.
 */
export class FakeEngine implements Victim {
  readonly options: EngineOptions;
  readonly blocks: BlockGraph;
  readonly jobs: BlockJobs;
  readonly guest: FakeGuest;
  readonly nics: FakeNics;
  readonly transfer: FakeTransfer;
  readonly migration: MigrationState = {
    status: 'none',
    error: null,
    ignoreShared: false,
    announceRounds: 5,
  };
  /** Commands in the order in which they came, those of both monitors. */
  readonly received: string[] = [];
  /** Resolves when the process is gone and its sockets are closed. */
  readonly ended: Promise<void>;
  state: RunState;
  /** Labels of the chardevs, besides that of the guest agent, whose ports something in the guest has open. */
  readonly openPorts = new Set<string>();
  /** Writes of the guest that its disks have completed. */
  writes = 0;
  /** The keys that were pressed together, one after the other. */
  readonly keysPressed: string[][] = [];
  /** The error that migrations end with; null for none. */
  migrationFails: string | null = null;
  /** Every write of the guest fails: as soon as it runs, it pauses again. */
  ioFails: { readonly nospace: boolean } | null = null;
  #memory = '';
  #monitors: FakeQemu[] = [];
  #display: FakeDisplay3d | undefined;
  readonly #abandoned: FakeQemu[] = [];
  #announceEnd: () => void = () => undefined;
  #over = false;

  constructor(options: EngineOptions) {
    this.options = options;
    const { given } = options;
    this.blocks = new BlockGraph(given.blockdevs, given.devices);
    this.jobs = new BlockJobs(this.blocks, (job) => this.event('JOB_STATUS_CHANGE', job));
    this.guest = new FakeGuest(options.guest, given.serialLog);
    this.nics = new FakeNics(given, (device) => this.event('DEVICE_DELETED', device));
    this.transfer = new FakeTransfer(given);
    this.guest.onPowerOff = () => this.exit({ guest: true, reason: 'guest-shutdown' });
    this.state = given.incoming ? 'inmigrate' : 'running';
    this.ended = new Promise((resolve) => (this.#announceEnd = resolve));
  }

  get name(): string {
    return this.options.given.name;
  }

  get pid(): number {
    return this.options.pid;
  }

  /** Opens what the engine's arguments ask for. */
  async open(): Promise<void> {
    const { given, mute, guest } = this.options;
    this.#watch();
    this.#makeRam();
    const path = (name: string): string => join(given.run, name);
    await this.guest.listen({ serial: path('serial'), qga: path('qga'), tools: path('tools') });
    if (!given.incoming && guest.bootLine !== null) this.guest.print(guest.bootLine);
    if (mute) return;
    if (given.all.includes('-qtest')) {
      const arch = given.all.some((word) => word.startsWith('virt')) ? 'aarch64' : 'x86_64';
      this.#display = await FakeDisplay3d.listen(path('qtest'), { arch, ...this.options.display3d });
    }
    const answer = async (command: FakeCommand) => await this.#answer(command);
    this.#monitors = [
      await FakeQemu.listen(path('qmp'), { answer }),
      await FakeQemu.listen(path('qmp2'), { answer }),
    ];
    if (this.#over) await this.#close();
  }

  #makeRam(): void {
    const { ram } = this.options.given;
    if (!ram) return;
    const file = openSync(ram.path, 'a', 0o600);
    if (ram.share) ftruncateSync(file, ram.size);
    closeSync(file);
  }

  /** Whoever kills the process, the sockets hang up. */
  #watch(): void {
    const look = (): void => {
      if (this.#over || isAlive(this.pid)) return;
      this.#over = true;
      clearInterval(timer);
      process.off('SIGCHLD', soon);
      void this.#close().then(this.#announceEnd);
    };
    // Its parent, who has it as a child until it is waited for, is this process.
    const soon = (): void => void setImmediate(look);
    process.on('SIGCHLD', soon);
    const timer = setInterval(look, 10);
    timer.unref();
  }

  async #close(): Promise<void> {
    await this.guest.close();
    await this.#display?.[Symbol.asyncDispose]();
    for (const monitor of this.#monitors.splice(0)) await monitor[Symbol.asyncDispose]();
  }

  event(name: string, data: object = {}): void {
    for (const monitor of this.#monitors) monitor.event(name, data);
  }

  async #answer({ execute, arguments: args = {} }: FakeCommand): Promise<FakeAnswer> {
    this.received.push(execute);
    try {
      if ((await this.options.troubles.meet(execute, this)) === 'silence') return 'silence';
      const command = commands[execute];
      if (!command) throw new Refusal(`The command ${execute} has not been found`, 'CommandNotFound');
      const [problem] = validateAgainstSchema(this.options.schema, execute, checkable(execute, args));
      if (problem !== undefined) throw new Refusal(problem);
      const result = (await command(args, this)) ?? {};
      return result === 'silence' ? 'silence' : { return: result };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { error: { class: error.errorClass, desc: error.message } };
    }
  }

  /** Changes the state and reports it as QEMU does. */
  stop(state: Exclude<RunState, 'running'> = 'paused'): void {
    const ran = this.state === 'running';
    this.state = state;
    if (ran) this.event('STOP');
  }

  resume(): void {
    if (this.state === 'running') return;
    this.state = 'running';
    this.event('RESUME');
    // The guest retries its write.
    const { ioFails } = this;
    if (ioFails) setImmediate(() => this.ioError(ioFails.nospace));
    else this.writes += 1;
    // A restored port is reported as soon as the guest runs.
    if (this.guest.portOpen) this.event('VSERPORT_CHANGE', { id: 'agent0', open: true });
  }

  /** The guest opens or closes the agent's port. */
  openPort(open: boolean): void {
    this.guest.portOpen = open;
    this.event('VSERPORT_CHANGE', { id: 'agent0', open });
  }

  /** The guest writes to its disk and the host has no room, or the disk fails. */
  ioError(nospace: boolean, action: 'stop' | 'report' = 'stop'): void {
    const reason = nospace ? 'No space left on device' : 'Input/output error';
    this.event('BLOCK_IO_ERROR', {
      device: '',
      'node-name': '',
      operation: 'write',
      action,
      nospace,
      reason,
    });
    if (action === 'stop') this.stop('io-error');
  }

  panic(): void {
    this.event('GUEST_PANICKED', { action: 'run' });
  }

  /** The guest resets itself. */
  reset(): void {
    if (this.options.given.resetEnds) this.exit({ guest: true, reason: 'guest-reset' });
    else this.event('RESET', { guest: true, reason: 'guest-reset' });
  }

  /** Ends in order, as after `quit` or when the guest powers off. */
  exit(shutdown: { guest: boolean; reason: string }, code = 0): void {
    this.event('SHUTDOWN', shutdown);
    rmSync(join(this.options.given.run, 'pid'), { force: true });
    this.options.order(`exit ${code}`);
  }

  /** Ends with words on standard error. */
  fail(words: string, code = 1): void {
    this.options.order(`printf '%s\\n' '${words.replaceAll("'", '')}' >&2; exit ${code}`);
  }

  /** Whether its process is there. */
  get alive(): boolean {
    return !this.#over && isAlive(this.pid);
  }

  async crash(): Promise<void> {
    process.kill(this.pid, 'SIGKILL');
    await this.ended;
  }

  /** Leaves the monitor's client alone for ever, as a daemon that was killed would see nothing any more. */
  abandonClient(): void {
    for (const monitor of this.#monitors) monitor.abandonClient();
    this.#abandoned.push(...this.#monitors);
  }

  /** Lets abandoned clients see that all is over. */
  hangUpAbandoned(): void {
    for (const monitor of this.#abandoned) monitor.hangUpAbandoned();
  }

  /** What the guest has in its memory. */
  get memory(): string {
    const { ram } = this.options.given;
    return ram?.share ? memoryIn(ram.path) : this.#memory;
  }

  set memory(text: string) {
    const { ram } = this.options.given;
    if (!ram?.share) {
      this.#memory = text;
      return;
    }
    const file = openSync(ram.path, 'r+');
    const bytes = Buffer.alloc(memoryBytes);
    bytes.write(text);
    writeSync(file, bytes, 0, bytes.length, memoryAt);
    closeSync(file);
  }

  /** What a migration writes. */
  saved(): FakeState {
    const outside = this.options.given.ram?.share === true && this.migration.ignoreShared;
    const { portOpen, frozen } = this.guest;
    return { fake: 'state', portOpen, frozen, memory: outside ? null : this.memory };
  }

  /** Takes what a migration brought. */
  load(state: FakeState): void {
    this.guest.portOpen = state.portOpen;
    this.guest.frozen = state.frozen;
    const { ram } = this.options.given;
    // A private mapping shows what the file holds when it is first read: now.
    if (ram && !ram.share) this.#memory = memoryIn(ram.path);
    if (state.memory !== null) this.memory = state.memory;
  }
}
