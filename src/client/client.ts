import type { IncomingMessage } from 'node:http';
import { KameError } from '../core/errors.ts';
import type { ProgressReport } from '../core/progress.ts';
import { kameHome, socketPath } from '../sys/home.ts';
import { ndjson, paths } from '../api/paths.ts';
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
  TaskLine,
} from '../api/messages.ts';
import type { DaemonProgram } from './ensure-daemon.ts';
import { errorFromBody } from './errors.ts';
import { readJsonLines } from './ndjson.ts';
import { NotListening, bodyOf, chunksOf, failureOf, jsonOf, send, type Call } from './transport.ts';
import type { ConsoleConnection, ExecEnd, ExecStreams } from './websocket.ts';

/** What a call takes beside its arguments. Aborting hangs up, which cancels the operation. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface TaskOptions extends CallOptions {
  readonly onProgress?: ((report: ProgressReport) => void) | undefined;
}

export interface LogOptions extends CallOptions {
  readonly follow?: boolean;
  /** What the guest wrote to its first serial port, instead of what Kame and the engine say. */
  readonly serial?: boolean;
}

export interface ClientOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** With it, a daemon is started when none answers, and one of another version is replaced. */
  readonly daemon?: DaemonProgram;
}

/** Milliseconds until an ordinary request must be answered. */
const ordinaryTimeoutMs = 30_000;
const stopDeadlineMs = 15_000;

/** The daemon's API, a method for each route. Machines are named by name, id or the path of the `.vmx`. */
export class KameClient {
  readonly home: string;
  readonly socket: string;
  readonly #daemon: DaemonProgram | undefined;
  #starting: Promise<void> | undefined;

  /** @throws KameError HOST_PROBLEM when the home's path is too long for a socket */
  constructor(options: ClientOptions) {
    this.home = kameHome(options.env);
    this.socket = socketPath(this.home);
    this.#daemon = options.daemon;
  }

  list(options?: CallOptions): Promise<Machine[]> {
    return this.#json<Machine[]>({ method: 'GET', path: paths.machines, ...options });
  }

  machine(name: string, options?: CallOptions): Promise<MachineDetails> {
    return this.#json<MachineDetails>({ method: 'GET', path: paths.machine(name), ...options });
  }

  create(body: CreateMachine, options?: TaskOptions): Promise<MachineDetails> {
    return this.#task<MachineDetails>(paths.machines, body, options);
  }

  set(name: string, body: Settings, options?: CallOptions): Promise<MachineDetails> {
    return this.#json<MachineDetails>({ method: 'PATCH', path: paths.machine(name), body, ...options });
  }

  rename(name: string, newName: string, options?: TaskOptions): Promise<MachineDetails> {
    return this.#task<MachineDetails>(paths.rename(name), { name: newName }, options);
  }

  async delete(name: string, options?: CallOptions): Promise<void> {
    // No time limit: a machine on a slow disk takes its time.
    await this.#answer<unknown>({ method: 'DELETE', path: paths.machine(name), ...options });
  }

  register(path: string, options?: TaskOptions): Promise<MachineDetails> {
    return this.#task<MachineDetails>(paths.register, { path }, options);
  }

  async unregister(name: string, options?: TaskOptions): Promise<void> {
    await this.#task<unknown>(paths.unregister(name), {}, options);
  }

  plan(name: string, options?: CallOptions): Promise<LaunchPlanReply> {
    // No time limit: the first plan on a host probes the engine and proves the accelerator.
    return this.#answer<LaunchPlanReply>({ method: 'GET', path: paths.plan(name), ...options });
  }

  start(name: string, body: StartMachine, options?: TaskOptions): Promise<StartedMachine> {
    return this.#task<StartedMachine>(paths.start(name), body, options);
  }

  stop(name: string, body: StopMachine, options?: TaskOptions): Promise<Machine> {
    return this.#task<Machine>(paths.stop(name), body, options);
  }

  restart(name: string, body: RestartMachine, options?: TaskOptions): Promise<StartedMachine> {
    return this.#task<StartedMachine>(paths.restart(name), body, options);
  }

  pause(name: string, options?: TaskOptions): Promise<Machine> {
    return this.#task<Machine>(paths.pause(name), {}, options);
  }

  unpause(name: string, options?: TaskOptions): Promise<Machine> {
    return this.#task<Machine>(paths.unpause(name), {}, options);
  }

  addresses(name: string, options?: CallOptions): Promise<Addresses> {
    return this.#json<Addresses>({ method: 'GET', path: paths.addresses(name), ...options });
  }

  /** A PNG of what the guest's screen shows. */
  async screenshot(name: string, options: CallOptions = {}): Promise<Buffer> {
    const call: Call = {
      method: 'GET',
      path: paths.screenshot(name),
      accept: 'image/png',
      timeoutMs: ordinaryTimeoutMs,
    };
    return await bodyOf(await this.#send({ ...call, ...options }), options.signal);
  }

  /** The machine's log, or its serial console's, as bytes; with `follow`, what is appended too, until the signal. */
  async *logs(name: string, options: LogOptions = {}): AsyncGenerator<Buffer> {
    const query = new URLSearchParams();
    if (options.follow) query.set('follow', 'true');
    if (options.serial) query.set('console', 'true');
    const path = `${paths.logs(name)}${query.size === 0 ? '' : `?${query.toString()}`}`;
    const answer = await this.#send({ method: 'GET', path, accept: 'text/plain', signal: options.signal });
    yield* chunksOf(answer, options.signal);
  }

  /** What happens from now on, until the signal. */
  async *events(options: CallOptions = {}): AsyncGenerator<KameEvent> {
    const answer = await this.#send({ method: 'GET', path: paths.events, accept: ndjson, ...options });
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
    return this.#json<Image[]>({ method: 'GET', path: paths.images, ...options });
  }

  pullImage(body: PullImage, options?: TaskOptions): Promise<Image> {
    return this.#task<Image>(paths.imagePull, body, options);
  }

  importImage(body: ImportImage, options?: TaskOptions): Promise<Image> {
    return this.#task<Image>(paths.imageImport, body, options);
  }

  async deleteImage(id: string, arch?: string, options?: CallOptions): Promise<void> {
    await this.#json<unknown>({ method: 'DELETE', path: paths.image(id, arch), ...options });
  }

  /** Checks the host. `fresh` proves the accelerators again, which takes seconds. */
  doctor(fresh: boolean, options?: TaskOptions): Promise<Doctor> {
    return this.#task<Doctor>(paths.doctor, { fresh }, options);
  }

  tasks(options?: CallOptions): Promise<Task[]> {
    return this.#json<Task[]>({ method: 'GET', path: paths.tasks, ...options });
  }

  /** Whether a daemon runs. Starts none. */
  async daemonStatus(options?: CallOptions): Promise<DaemonStatus> {
    try {
      const call: Call = { method: 'GET', path: paths.daemon, timeoutMs: ordinaryTimeoutMs, ...options };
      return (await jsonOf(await this.#once(call), options?.signal)) as DaemonStatus;
    } catch (error) {
      if (error instanceof OtherVersion) throw unreachable(error, this.home);
      if (!(error instanceof NotListening)) throw error;
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
  }

  /** The status of a daemon that runs; it is started if need be. */
  startedDaemon(options?: CallOptions): Promise<DaemonStatus> {
    return this.#json<DaemonStatus>({ method: 'GET', path: paths.daemon, ...options });
  }

  /**
   * Ends the daemon and waits until it listens no more. Machines go on running.
   * @returns false when none listened
   */
  async stopDaemon(options: CallOptions = {}): Promise<boolean> {
    try {
      const call: Call = { method: 'POST', path: paths.daemonStop, body: {}, timeoutMs: ordinaryTimeoutMs };
      const answer = await send(this.socket, { ...call, ...options });
      if ((answer.statusCode ?? 500) >= 400) throw await failureOf(answer);
      answer.resume();
    } catch (error) {
      if (error instanceof NotListening) return false;
      throw error;
    }
    const { waitUntilGone } = await import('./wait-until-gone.ts');
    if (!(await waitUntilGone(this.socket, stopDeadlineMs))) {
      throw new KameError('DAEMON_UNREACHABLE', `The daemon did not end within ${stopDeadlineMs / 1000} s.`);
    }
    return true;
  }

  /** Like #answer, with a limit on how long the daemon may think. */
  #json<T>(call: Call): Promise<T> {
    return this.#answer<T>({ ...call, timeoutMs: ordinaryTimeoutMs });
  }

  async #answer<T>(call: Call): Promise<T> {
    return (await jsonOf(await this.#send(call), call.signal)) as T;
  }

  async #task<T>(path: string, body: unknown, options: TaskOptions = {}): Promise<T> {
    const { signal } = options;
    const answer = await this.#send({ method: 'POST', path, body, accept: ndjson, signal });
    return await resultOf<T>(answer, options);
  }

  /** Sends a call; a missing daemon is started and one of another version replaced, once. */
  async #send(call: Call): Promise<IncomingMessage> {
    try {
      return await this.#once(call);
    } catch (error) {
      if (!(error instanceof NotListening) && !(error instanceof OtherVersion)) throw error;
      if (this.#daemon === undefined) throw unreachable(error, this.home);
      if (error instanceof OtherVersion) await this.stopDaemon();
      const { startDaemon } = await import('./ensure-daemon.ts');
      // Calls at once start one daemon.
      this.#starting ??= startDaemon(this.home, this.socket, this.#daemon);
      await this.#starting.finally(() => (this.#starting = undefined));
    }
    try {
      return await this.#once(call);
    } catch (error) {
      throw error instanceof NotListening || error instanceof OtherVersion
        ? unreachable(error, this.home)
        : error;
    }
  }

  async #once(call: Call): Promise<IncomingMessage> {
    const answer = await send(this.socket, call);
    const status = answer.statusCode ?? 500;
    if (status === 426) throw new OtherVersion((await failureOf(answer)).message);
    if (status >= 400) throw await failureOf(answer);
    return answer;
  }
}

/** The daemon that answers is of another version than this client. */
class OtherVersion extends Error {}

function unreachable(error: Error, home: string): KameError {
  return error instanceof OtherVersion
    ? new KameError('DAEMON_UNREACHABLE', error.message, { next: '`kame daemon stop`, then try again.' })
    : new KameError('DAEMON_UNREACHABLE', `No daemon listens in ${home}.`, {
        next: '`kame daemon start` starts it.',
        cause: error,
      });
}

/** The result of a long operation: of NDJSON its last line, of anything else the whole. */
async function resultOf<T>(answer: IncomingMessage, options: TaskOptions): Promise<T> {
  if (!(answer.headers['content-type'] ?? '').startsWith(ndjson))
    return (await jsonOf(answer, options.signal)) as T;
  for await (const value of readJsonLines(chunksOf(answer, options.signal))) {
    const line = value as TaskLine<T>;
    if (line.type === 'result') return line.result;
    if (line.type === 'error') throw errorFromBody(line.error);
    options.onProgress?.(asReport(line.progress));
  }
  throw new KameError('DAEMON_UNREACHABLE', 'The daemon ended while it worked on this.', {
    next: 'Running machines are not hurt. `kame list` shows how things stand; kamed.log may say why.',
  });
}

type WireReport = (TaskLine<unknown> & { type: 'progress' })['progress'];

function asReport({ stage, done, total, unit }: WireReport): ProgressReport {
  return {
    stage,
    ...(done === undefined ? {} : { done }),
    ...(total === undefined ? {} : { total }),
    ...(unit === undefined ? {} : { unit }),
  };
}
