import { deadlineSignal } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import { formatDuration } from '../../core/units.ts';
import { within, type CallOptions } from '../agent/wait.ts';
import { connectUnix } from '../../sys/socket.ts';
import { ToolsConnection, type Service } from './connection.ts';
import type { ToolsCommand, ToolsHello, ToolsOperation, ToolsRequest, ToolsResult } from './messages.ts';
import { OperationReply } from './operation-reply.ts';
import type { OutputListener, ToolsStream } from './stream.ts';

export interface ToolsOptions {
  /** Path of the Unix socket on which QEMU listens for the port. */
  readonly path: string;
  /** Milliseconds that the guest has to say hello. Default: 3 s, which a loaded guest needs. */
  readonly helloMs?: number;
}

/** How long to wait for the guest, and the signal that ends it. */
export type ToolsLimits = Pick<CallOptions, 'deadlineMs' | 'signal'>;

const usualHelloMs = 3000;
const connectMs = 1000;

function silent(why: string, cause?: unknown): KameError {
  return new KameError('GUEST_TOOLS_MISSING', `The kame-tools in the guest do not answer: ${why}.`, {
    cause,
  });
}

/** Client of kame-tools in one guest. Connects on first use, and again when the connection is lost. */
export class GuestTools {
  readonly #path: string;
  readonly #helloMs: number;
  readonly #closed = new AbortController();
  #connection: ToolsConnection | undefined;
  #opening: Promise<ToolsConnection> | undefined;

  constructor({ path, helloMs = usualHelloMs }: ToolsOptions) {
    this.#path = path;
    this.#helloMs = helloMs;
  }

  /** Whether there is a connection on which the guest has said hello. */
  get connected(): boolean {
    return this.#connection?.usable ?? false;
  }

  /** What the guest says about itself. @throws KameError GUEST_TOOLS_MISSING, GUEST_FAILED, CANCELLED */
  async hello(limits: ToolsLimits = {}): Promise<ToolsHello> {
    return await (
      await this.#connected(limits)
    ).hello;
  }

  /**
   * Opens a stream with a request to a service.
   * @param limits for the connection that it may need; the stream has none
   * @throws KameError GUEST_TOOLS_MISSING, GUEST_FAILED, INVALID_VALUE, CANCELLED
   */
  async open(
    service: Service,
    asked: ToolsRequest,
    listener: OutputListener,
    limits: ToolsLimits = {},
  ): Promise<ToolsStream> {
    return (await this.#connected(limits)).open(service, asked, listener);
  }

  /**
   * Begins a command in the guest.
   * @param limits for the connection that it may need; the stream has none
   * @throws KameError GUEST_TOOLS_MISSING, GUEST_FAILED, INVALID_VALUE, CANCELLED
   */
  async exec(
    command: ToolsCommand,
    listener: OutputListener,
    limits: ToolsLimits = {},
  ): Promise<ToolsStream> {
    return await this.open('exec', command, listener, limits);
  }

  /**
   * Does an operation in the guest, such as listing a directory.
   * @returns the result, as the guest says it: JSON that is not checked
   * @throws KameError GUEST_TOOLS_MISSING, GUEST_FAILED with the guest's own code as the detail `reason`, GUEST_TIMEOUT, CANCELLED
   */
  async operate(operation: ToolsOperation, limits: ToolsLimits): Promise<unknown> {
    const connection = await this.#connected(limits);
    const reply = new OperationReply();
    await this.#result(connection, connection.open('operate', operation, reply.add), limits);
    return reply.read();
  }

  /**
   * Starts a command that nobody waits for, and returns what the guest says about it.
   * @throws KameError GUEST_TOOLS_MISSING, GUEST_FAILED, GUEST_TIMEOUT, INVALID_VALUE, CANCELLED
   */
  async run(
    command: ToolsCommand & { readonly detached: boolean },
    limits: ToolsLimits,
  ): Promise<ToolsResult> {
    const connection = await this.#connected(limits);
    return await this.#result(
      connection,
      connection.open('exec', command, async () => undefined),
      limits,
    );
  }

  /** The result of a request that the guest is to do at once. */
  async #result(
    connection: ToolsConnection,
    stream: ToolsStream,
    { deadlineMs = Infinity, signal }: ToolsLimits,
  ): Promise<ToolsResult> {
    let begun = false;
    void stream.started.then(
      () => (begun = true),
      () => undefined,
    );
    try {
      return await within(stream.result, {
        ms: deadlineMs,
        signal,
        what: 'The operation in the guest',
        onTimeout: () =>
          new KameError('GUEST_TIMEOUT', 'The guest did not do in time what it was asked for.'),
      });
    } catch (error) {
      void stream.cancel(error);
      // A program that has taken the place of another unseen does not know the connection, and never answers.
      const late = error instanceof KameError && error.code === 'GUEST_TIMEOUT';
      if (late && !begun) connection.close();
      throw error;
    }
  }

  /** Resolves when the present connection ends; at once if there is none. */
  async ended(): Promise<void> {
    await this.#connection?.closed;
  }

  /** Ends the connection: the program in the guest has ended, and another one does not know it. The next use connects again. */
  disconnect(): void {
    this.#connection?.close();
  }

  /** Closes the connection, which ends what runs over it. */
  close(): void {
    this.#closed.abort();
    this.#connection?.close();
  }

  /** A connection on which the guest has said hello. One that is being opened is for all who wait for it, whatever their limits. */
  async #connected({ deadlineMs = Infinity, signal }: ToolsLimits): Promise<ToolsConnection> {
    if (this.#connection?.usable) return this.#connection;
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined));
    this.#opening.catch(() => undefined);
    return await within(this.#opening, {
      ms: deadlineMs,
      signal,
      what: 'The connection to kame-tools',
      onTimeout: () => silent('it did not say hello in time'),
    });
  }

  async #open(): Promise<ToolsConnection> {
    const { signal } = this.#closed;
    if (signal.aborted) throw silent('the connection was closed');
    const connection = new ToolsConnection(await this.#connect());
    using limit = deadlineSignal(this.#helloMs, signal);
    const hangUp = () => connection.close();
    limit.signal.addEventListener('abort', hangUp);
    if (limit.signal.aborted) hangUp();
    try {
      await connection.hello;
      return (this.#connection = connection);
    } catch (error) {
      connection.close();
      if (limit.signal.aborted)
        throw silent(`it did not say hello within ${formatDuration(this.#helloMs)}`, error);
      throw error;
    } finally {
      limit.signal.removeEventListener('abort', hangUp);
    }
  }

  async #connect() {
    try {
      const socket = await connectUnix(this.#path, { deadlineMs: connectMs, signal: this.#closed.signal });
      if (socket) return socket;
    } catch (error) {
      throw silent(`nothing listens on ${this.#path}`, error);
    }
    throw silent('the engine has ended');
  }
}
