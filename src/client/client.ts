import { ndjson, paths } from '../api/paths.ts';
import type {
  AutoProtect,
  ClonedMachines,
  CloneMachine,
  SetAutoProtect,
  SuspendedMachine,
} from '../api/checkpoint.ts';
import type {
  Addresses,
  CreateMachine,
  LaunchPlanReply,
  Machine,
  MachineDetails,
  RestartMachine,
  Settings,
  StartMachine,
  StartedMachine,
  StopMachine,
} from '../api/machine.ts';
import type {
  DaemonStatus,
  Doctor,
  ExecRequest,
  Image,
  ImportImage,
  KameEvent,
  PullImage,
  Task,
} from '../api/messages.ts';
import { DiskCalls, SnapshotCalls } from './checkpoints.ts';
import {
  Connection,
  ordinaryTimeoutMs,
  type CallOptions,
  type ClientOptions,
  type TaskOptions,
} from './connection.ts';
import { readJsonLines } from './ndjson.ts';
import { bodyOf, chunksOf, type Call } from './transport.ts';
import type { ConsoleConnection, ExecEnd, ExecStreams } from './websocket.ts';

export interface LogOptions extends CallOptions {
  readonly follow?: boolean;
  /** What the guest wrote to its first serial port, instead of what Kame and the engine say. */
  readonly serial?: boolean;
}

/** The daemon's API, a method for each route. Machines are named by name, id or the path of the `.vmx`. */
export class KameClient {
  readonly home: string;
  readonly socket: string;
  readonly snapshots: SnapshotCalls;
  readonly disks: DiskCalls;
  readonly #to: Connection;

  /** @throws KameError HOST_PROBLEM when the home's path is too long for a socket */
  constructor(options: ClientOptions) {
    this.#to = new Connection(options);
    this.home = this.#to.home;
    this.socket = this.#to.socket;
    this.snapshots = new SnapshotCalls(this.#to);
    this.disks = new DiskCalls(this.#to);
  }

  list(options?: CallOptions): Promise<Machine[]> {
    return this.#to.json<Machine[]>({ method: 'GET', path: paths.machines, ...options });
  }

  machine(name: string, options?: CallOptions): Promise<MachineDetails> {
    return this.#to.json<MachineDetails>({ method: 'GET', path: paths.machine(name), ...options });
  }

  create(body: CreateMachine, options?: TaskOptions): Promise<MachineDetails> {
    return this.#to.task<MachineDetails>(paths.machines, body, options);
  }

  set(name: string, body: Settings, options?: CallOptions): Promise<MachineDetails> {
    return this.#to.json<MachineDetails>({ method: 'PATCH', path: paths.machine(name), body, ...options });
  }

  rename(name: string, newName: string, options?: TaskOptions): Promise<MachineDetails> {
    return this.#to.task<MachineDetails>(paths.rename(name), { name: newName }, options);
  }

  async delete(name: string, options?: CallOptions): Promise<void> {
    // No time limit: a machine on a slow disk takes its time.
    await this.#to.answer<unknown>({ method: 'DELETE', path: paths.machine(name), ...options });
  }

  register(path: string, options?: TaskOptions): Promise<MachineDetails> {
    return this.#to.task<MachineDetails>(paths.register, { path }, options);
  }

  async unregister(name: string, options?: TaskOptions): Promise<void> {
    await this.#to.task<unknown>(paths.unregister(name), {}, options);
  }

  plan(name: string, options?: CallOptions): Promise<LaunchPlanReply> {
    // No time limit: the first plan on a host probes the engine and proves the accelerator.
    return this.#to.answer<LaunchPlanReply>({ method: 'GET', path: paths.plan(name), ...options });
  }

  start(name: string, body: StartMachine, options?: TaskOptions): Promise<StartedMachine> {
    return this.#to.task<StartedMachine>(paths.start(name), body, options);
  }

  stop(name: string, body: StopMachine, options?: TaskOptions): Promise<Machine> {
    return this.#to.task<Machine>(paths.stop(name), body, options);
  }

  restart(name: string, body: RestartMachine, options?: TaskOptions): Promise<StartedMachine> {
    return this.#to.task<StartedMachine>(paths.restart(name), body, options);
  }

  pause(name: string, options?: TaskOptions): Promise<Machine> {
    return this.#to.task<Machine>(paths.pause(name), {}, options);
  }

  unpause(name: string, options?: TaskOptions): Promise<Machine> {
    return this.#to.task<Machine>(paths.unpause(name), {}, options);
  }

  suspend(name: string, options?: TaskOptions): Promise<SuspendedMachine> {
    return this.#to.task<SuspendedMachine>(paths.suspend(name), {}, options);
  }

  clone(name: string, body: CloneMachine, options?: TaskOptions): Promise<ClonedMachines> {
    return this.#to.task<ClonedMachines>(paths.clone(name), body, options);
  }

  autoProtect(name: string, options?: CallOptions): Promise<AutoProtect> {
    return this.#to.json<AutoProtect>({ method: 'GET', path: paths.autoProtect(name), ...options });
  }

  setAutoProtect(name: string, body: SetAutoProtect, options?: CallOptions): Promise<AutoProtect> {
    return this.#to.json<AutoProtect>({ method: 'PUT', path: paths.autoProtect(name), body, ...options });
  }

  addresses(name: string, options?: CallOptions): Promise<Addresses> {
    return this.#to.json<Addresses>({ method: 'GET', path: paths.addresses(name), ...options });
  }

  /** A PNG of what the guest's screen shows. */
  async screenshot(name: string, options: CallOptions = {}): Promise<Buffer> {
    const call: Call = {
      method: 'GET',
      path: paths.screenshot(name),
      accept: 'image/png',
      timeoutMs: ordinaryTimeoutMs,
    };
    return await bodyOf(await this.#to.send({ ...call, ...options }), options.signal);
  }

  /** The machine's log, or its serial console's, as bytes; with `follow`, what is appended too, until the signal. */
  async *logs(name: string, options: LogOptions = {}): AsyncGenerator<Buffer> {
    const query = new URLSearchParams();
    if (options.follow) query.set('follow', 'true');
    if (options.serial) query.set('console', 'true');
    const path = `${paths.logs(name)}${query.size === 0 ? '' : `?${query.toString()}`}`;
    const answer = await this.#to.send({ method: 'GET', path, accept: 'text/plain', signal: options.signal });
    yield* chunksOf(answer, options.signal);
  }

  /** What happens from now on, until the signal. */
  async *events(options: CallOptions = {}): AsyncGenerator<KameEvent> {
    const answer = await this.#to.send({ method: 'GET', path: paths.events, accept: ndjson, ...options });
    for await (const line of readJsonLines(chunksOf(answer, options.signal))) yield line as KameEvent;
  }

  /** The serial console: bytes both ways. */
  async console(name: string, options: CallOptions = {}): Promise<ConsoleConnection> {
    // Starts the daemon if need be, and refuses a name that does not exist.
    await this.machine(name, options);
    const { openConsole } = await import('./websocket.ts');
    return await openConsole(this.socket, paths.console(name), options.signal);
  }

  /** Runs a command in the guest. */
  async exec(name: string, request: ExecRequest, streams: ExecStreams): Promise<ExecEnd> {
    await this.machine(name, { signal: streams.signal });
    const { execute } = await import('./websocket.ts');
    return await execute(this.socket, paths.exec(name), request, streams);
  }

  images(options?: CallOptions): Promise<Image[]> {
    return this.#to.json<Image[]>({ method: 'GET', path: paths.images, ...options });
  }

  pullImage(body: PullImage, options?: TaskOptions): Promise<Image> {
    return this.#to.task<Image>(paths.imagePull, body, options);
  }

  importImage(body: ImportImage, options?: TaskOptions): Promise<Image> {
    return this.#to.task<Image>(paths.imageImport, body, options);
  }

  async deleteImage(id: string, arch?: string, options?: CallOptions): Promise<void> {
    await this.#to.json<unknown>({ method: 'DELETE', path: paths.image(id, arch), ...options });
  }

  /** Checks the host. `fresh` proves the accelerators again, which takes seconds. */
  doctor(fresh: boolean, options?: TaskOptions): Promise<Doctor> {
    return this.#to.task<Doctor>(paths.doctor, { fresh }, options);
  }

  tasks(options?: CallOptions): Promise<Task[]> {
    return this.#to.json<Task[]>({ method: 'GET', path: paths.tasks, ...options });
  }

  /** Whether a daemon runs. Starts none. */
  async daemonStatus(options?: CallOptions): Promise<DaemonStatus> {
    const status = await this.#to.ask<DaemonStatus>({ method: 'GET', path: paths.daemon, ...options });
    if (status !== undefined) return status;
    const { home, socket } = this;
    const unknown = { pid: null, version: null, startedAt: null };
    return {
      running: false,
      ...unknown,
      home,
      socket,
      machines: null,
      runningMachines: null,
      rssBytes: null,
    };
  }

  /** The status of a daemon that runs; it is started if need be. */
  startedDaemon(options?: CallOptions): Promise<DaemonStatus> {
    return this.#to.json<DaemonStatus>({ method: 'GET', path: paths.daemon, ...options });
  }

  /**
   * Ends the daemon and waits until it listens no more. Machines go on running.
   * @returns false when none listened
   */
  stopDaemon(options?: CallOptions): Promise<boolean> {
    return this.#to.stopDaemon(options);
  }
}
