import { deadlineSignal } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import { formatDuration } from '../../core/units.ts';
import { within, type CallOptions } from '../agent/wait.ts';
import { connectUnix } from '../../sys/socket.ts';
import { ToolsConnection } from './connection.ts';
import type { ToolsCommand, ToolsHello } from './messages.ts';
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
    return this.#connection?.open ?? false;
  }

  /** What the guest says about itself. @throws KameError GUEST_TOOLS_MISSING, GUEST_FAILED, CANCELLED */
  async hello(limits: ToolsLimits = {}): Promise<ToolsHello> {
    return await (
      await this.#connected(limits)
    ).hello;
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
    return (await this.#connected(limits)).exec(command, listener);
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
    if (this.#connection?.open) return this.#connection;
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
