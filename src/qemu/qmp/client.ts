import type { Duplex } from 'node:stream';
import { deferred } from '../../core/deferred.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import type { Commands, Events } from './generated/protocol.ts';
import { LineSplitter } from './lines.ts';
import { QmpError, withStackOf } from './qmp-error.ts';

export interface ExecuteOptions {
  /** Milliseconds to wait for the reply, so that a hung QEMU never hangs Kame. Default: 30,000. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

export interface QmpVersion {
  readonly major: number;
  readonly minor: number;
  readonly micro: number;
  /** The package version, such as `Debian 1:7.2+dfsg-7`; may be empty. */
  readonly package: string;
}

export interface OpenOptions {
  /** Milliseconds for greeting and handshake together. Default: 10,000. */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** The last output of QEMU, for the message when the connection ends. */
  lastWords?: () => string;
}

type ArgumentsOf<C extends keyof Commands> = Commands[C]['arguments'];

/** Arguments may be omitted if none is required. */
export type ExecuteArguments<C extends keyof Commands> =
  Record<never, never> extends ArgumentsOf<C>
    ? [args?: ArgumentsOf<C>, options?: ExecuteOptions]
    : [args: ArgumentsOf<C>, options?: ExecuteOptions];

interface Pending {
  readonly command: string;
  settle(error: KameError | undefined, result?: unknown): void;
}

type Listener = (data: never, at: Date) => void;

const defaultTimeoutMs = 30_000;

/**
 * One connection to a QMP monitor. Replies are matched by id, events may arrive at any time, every wait has a deadline,
 * and when the connection ends, every caller gets the reason. A monitor serves one client at a time.
 */
export class QmpClient implements AsyncDisposable {
  readonly #stream: Duplex;
  readonly #splitter = new LineSplitter();
  readonly #pending = new Map<string, Pending>();
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #options: OpenOptions;
  #nextId = 1;
  #end: KameError | undefined;
  #greeted: ((version: QmpVersion) => void) | undefined;
  #version: QmpVersion = { major: 0, minor: 0, micro: 0, package: '' };
  #silent = false;
  readonly #closed = deferred<KameError>();
  readonly closed = this.#closed.promise;

  private constructor(stream: Duplex, options: OpenOptions) {
    this.#stream = stream;
    this.#options = options;
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('error', (error) => this.#finish(`The connection to QEMU broke: ${messageOf(error)}.`));
    stream.on('close', () => this.#finish('QEMU closed the connection.'));
    stream.on('end', () => this.#finish('QEMU closed the connection.'));
  }

  /**
   * Waits for the greeting of QEMU and completes the handshake.
   * @throws KameError ENGINE_TIMEOUT without a greeting (another client may be using the monitor), ENGINE_FAILED,
   * CANCELLED
   */
  static async open(stream: Duplex, options: OpenOptions = {}): Promise<QmpClient> {
    const client = new QmpClient(stream, options);
    try {
      await client.#handshake(options);
      return client;
    } catch (error) {
      await client[Symbol.asyncDispose]();
      throw error;
    }
  }

  get version(): QmpVersion {
    return this.#version;
  }

  /** Whether a command has passed its deadline, and nothing has come from QEMU since. */
  get silent(): boolean {
    return this.#silent;
  }

  /**
   * Sends a command and waits for its reply.
   * @throws QmpError (ENGINE_FAILED) when QEMU rejects the command; KameError ENGINE_TIMEOUT, CANCELLED, or
   * ENGINE_FAILED when the connection ends
   */
  execute<C extends keyof Commands>(
    command: C,
    ...rest: ExecuteArguments<C>
  ): Promise<Commands[C]['result']> {
    return this.#send(command, rest[0], rest[1] ?? {});
  }

  /** Calls the listener for each event with that name until the result is disposed. */
  on<E extends keyof Events>(event: E, listener: (data: Events[E], at: Date) => void): Disposable {
    const listeners = this.#listeners.get(event) ?? new Set<Listener>();
    this.#listeners.set(event, listeners);
    listeners.add(listener);
    return { [Symbol.dispose]: () => listeners.delete(listener) };
  }

  /** Closes the connection; QEMU keeps running. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#finish('The connection to QEMU was closed by Kame.');
    this.#stream.destroy();
    await this.closed;
  }

  async #handshake(options: OpenOptions): Promise<void> {
    const timeoutMs = options.timeoutMs ?? 10_000;
    const started = performance.now();
    const pending = this.#wait<void>('the greeting', { ...options, timeoutMs });
    this.#greeted = (version) => {
      this.#version = version;
      pending.entry.settle(undefined);
    };
    await pending.result;
    const left = Math.max(1, timeoutMs - (performance.now() - started));
    const signal = options.signal ? { signal: options.signal } : {};
    await this.#send('qmp_capabilities', undefined, { timeoutMs: left, ...signal });
  }

  #send<T>(command: string, args: object | undefined, options: ExecuteOptions): Promise<T> {
    const id = `k${this.#nextId}`;
    this.#nextId += 1;
    const { result, entry } = this.#wait<T>(command, options, () => this.#pending.delete(id));
    if (this.#end) {
      entry.settle(
        new KameError(this.#end.code, this.#end.message, { next: this.#end.next, cause: this.#end }),
      );
      return result;
    }
    if (options.signal?.aborted) return result;
    this.#pending.set(id, entry);
    this.#stream.write(`${JSON.stringify({ execute: command, ...(args ? { arguments: args } : {}), id })}\n`);
    return result;
  }

  /** A promise with a deadline, a signal and an entry that settles it once. */
  #wait<T>(
    command: string,
    options: ExecuteOptions,
    forget: () => void = () => undefined,
  ): { result: Promise<T>; entry: Pending } {
    // The stack of the call, for an error that arises only later, when a reply is read.
    const born: { stack?: string } = {};
    Error.captureStackTrace(born);
    const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    let entry!: Pending;
    const result = new Promise<T>((resolve, reject) => {
      const onAbort = (): void =>
        entry.settle(new KameError('CANCELLED', `Waiting for ${command} was cancelled.`));
      const timer = setTimeout(() => {
        this.#silent = true;
        entry.settle(lateError(command, timeoutMs));
      }, timeoutMs);
      let settled = false;
      const settle = (error: KameError | undefined, value?: unknown): void => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        options.signal?.removeEventListener('abort', onAbort);
        forget();
        if (error) reject(withStackOf(error, born));
        else resolve(value as T);
      };
      entry = { command, settle };
      if (options.signal?.aborted) onAbort();
      else options.signal?.addEventListener('abort', onAbort);
    });
    if (command === 'the greeting') this.#pending.set('greeting', entry);
    return { result, entry };
  }

  #receive(chunk: Buffer): void {
    if (this.#end) return;
    this.#silent = false;
    try {
      for (const line of this.#splitter.push(chunk)) this.#dispatch(line);
    } catch (error) {
      this.#finish(messageOf(error));
      this.#stream.destroy();
    }
  }

  #dispatch(line: string): void {
    const message = parseMessage(line);
    if ('event' in message) this.#emit(message);
    else if ('QMP' in message) this.#greet(message['QMP']);
    else if ('return' in message || 'error' in message) this.#reply(message);
    else throw notQmp(line);
  }

  #greet(greeting: unknown): void {
    const version = (greeting as { version?: { qemu?: Partial<QmpVersion>; package?: unknown } } | null)
      ?.version;
    const { major, minor, micro } = version?.qemu ?? {};
    if (![major, minor, micro].every(Number.isInteger)) {
      throw new KameError('ENGINE_FAILED', 'The greeting of the monitor has no version: it is not QEMU.');
    }
    this.#pending.delete('greeting');
    this.#greeted?.({
      major: major as number,
      minor: minor as number,
      micro: micro as number,
      package: typeof version?.package === 'string' ? version.package : '',
    });
  }

  #reply(message: Record<string, unknown>): void {
    const id = message['id'];
    // If the call has timed out, nothing waits for its reply.
    const entry = typeof id === 'string' ? this.#pending.get(id) : undefined;
    if (entry && 'error' in message) {
      const error = message['error'] as { class?: unknown; desc?: unknown } | null;
      entry.settle(new QmpError(entry.command, word(error?.class) || 'GenericError', word(error?.desc)));
    } else if (entry) {
      entry.settle(undefined, message['return']);
    } else if ('error' in message && id === undefined) {
      const desc = word((message['error'] as { desc?: unknown } | null)?.desc);
      throw new KameError('ENGINE_FAILED', `QEMU could not parse a command: ${desc}`);
    }
  }

  #emit(message: Record<string, unknown>): void {
    const name = word(message['event']);
    const stamp = message['timestamp'] as { seconds?: number; microseconds?: number } | undefined;
    const seconds = stamp?.seconds ?? -1;
    const at = seconds >= 0 ? new Date(seconds * 1000 + (stamp?.microseconds ?? 0) / 1000) : new Date();
    const data = message['data'] ?? {};
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        listener(data as never, at);
      } catch (error) {
        // An error in a listener must not end the connection, which others use too.
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    }
  }

  #finish(what: string): void {
    if (this.#end) return;
    const words = this.#options.lastWords?.() ?? '';
    this.#end = new KameError('ENGINE_FAILED', words === '' ? what : `${what} Its last output: ${words}`);
    for (const entry of [...this.#pending.values()]) {
      entry.settle(
        new KameError('ENGINE_FAILED', `${this.#end.message} (while waiting for ${entry.command})`, {
          cause: this.#end,
          details: { command: entry.command },
        }),
      );
    }
    this.#pending.clear();
    this.#closed.resolve(this.#end);
  }
}

function notQmp(line: string): KameError {
  return new KameError('ENGINE_FAILED', `The monitor sent a message that is not QMP: ${line.slice(0, 80)}`);
}

function parseMessage(line: string): Record<string, unknown> {
  try {
    const message: unknown = JSON.parse(line);
    if (typeof message === 'object' && message !== null) return message as Record<string, unknown>;
  } catch {
    // Reported below.
  }
  throw notQmp(line);
}

function word(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function lateError(command: string, timeoutMs: number): KameError {
  const message =
    command === 'the greeting'
      ? `QEMU did not send a greeting within ${Math.round(timeoutMs)} ms; another program may be using its monitor.`
      : `QEMU did not reply to ${command} within ${Math.round(timeoutMs)} ms.`;
  return new KameError('ENGINE_TIMEOUT', message, { details: { command } });
}
