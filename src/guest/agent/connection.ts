import { randomInt } from 'node:crypto';
import { deferred } from '../../core/deferred.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import { patiently } from '../../core/progress.ts';
import { AgentSocket, remaining, silence, type Limits } from './agent-socket.ts';
import { refusal, replyOf, returned } from './answer.ts';
import { within, type CallOptions } from './wait.ts';

export interface ConnectionOptions {
  /** Path of the Unix socket on which QEMU listens for the port of the agent. */
  readonly path: string;
}

const defaultDeadlineMs = 10_000;
const defaultMaxBytes = 64 * 1024;
/** A synchronisation request without reply is repeated after this time, which doubles with each attempt. */
const firstResendMs = 1000;

function limitsOf(options: CallOptions): Limits {
  const { deadlineMs = defaultDeadlineMs, signal, maxBytes = defaultMaxBytes } = options;
  return { at: performance.now() + deadlineMs, signal, maxBytes };
}

/**
 * A connection to a QEMU guest agent: one call at a time, each with a deadline; the peer is treated as hostile.
 * Connects on first use, and again when the connection is lost. After any problem, it synchronises again (0xFF and
 * guest-sync-delimited, see qga/qapi-schema.json in QEMU) before the next call. Reads only while a call is waiting.
 */
export class AgentConnection {
  readonly #path: string;
  #socket: AgentSocket | undefined;
  #synced = false;
  #closed = false;
  #tail: Promise<void> = Promise.resolve();

  constructor(options: ConnectionOptions) {
    this.#path = options.path;
  }

  /**
   * Checks by a new synchronisation that the agent responds.
   * @throws KameError GUEST_AGENT_MISSING, CANCELLED
   */
  async sync(options: CallOptions = {}): Promise<void> {
    await this.#exclusive('guest-sync-delimited', options, async (limits) => {
      this.#synced = false;
      await this.#ready(limits);
    });
  }

  /**
   * Sends a command and returns its `return` value, unchecked.
   * @throws KameError GUEST_AGENT_MISSING, GUEST_TIMEOUT, GUEST_FAILED, CANCELLED
   */
  async call(command: string, args: object = {}, options: CallOptions = {}): Promise<unknown> {
    return this.#exclusive(command, options, async (limits) => {
      const socket = await this.#ready(limits);
      socket.send({ execute: command, arguments: args });
      return this.#answer(socket, command, limits);
    });
  }

  /**
   * Sends two commands at once, so that the guest does the second even if this process ends in between.
   * @returns what both returned, and the milliseconds between the replies
   * @throws KameError GUEST_AGENT_MISSING, GUEST_TIMEOUT, CANCELLED, or GUEST_FAILED for the first that was refused
   */
  async callBoth(
    [first, second]: readonly [string, string],
    options: CallOptions = {},
  ): Promise<readonly [unknown, unknown, number]> {
    return this.#exclusive(first, options, async (limits) => {
      const socket = await this.#ready(limits);
      for (const execute of [first, second]) socket.send({ execute });
      this.#synced = false;
      const before = replyOf(first, await socket.next(first, limits), limits.maxBytes);
      const since = performance.now();
      const after = replyOf(second, await socket.next(second, limits), limits.maxBytes);
      this.#synced = true;
      if ('error' in before) throw refusal(first, before['error']);
      if ('error' in after) throw refusal(second, after['error']);
      return [before['return'], after['return'], performance.now() - since];
    });
  }

  /**
   * Sends a command that replies only if it fails, such as guest-shutdown. No reply, or the end of the connection,
   * means success.
   * @throws KameError GUEST_AGENT_MISSING, GUEST_FAILED, CANCELLED
   */
  async callSilent(command: string, args: object = {}, options: CallOptions = {}): Promise<void> {
    await this.#exclusive(command, options, async (limits) => {
      const socket = await this.#ready(limits);
      const id = randomInt(1, 2 ** 47);
      socket.send({ execute: command, arguments: args });
      socket.send({ execute: 'guest-sync-delimited', arguments: { id } });
      // From here on the guest may shut down at any time, and then there are no more replies.
      this.#synced = false;
      try {
        await answerBefore(socket, command, id, limits);
        this.#synced = true;
      } catch (error) {
        const gone =
          error instanceof KameError && ['GUEST_TIMEOUT', 'GUEST_AGENT_MISSING'].includes(error.code);
        if (!gone || error.details['command'] !== undefined) throw error;
      }
    });
  }

  /** Closes the connection; pending calls fail. */
  close(): void {
    this.#closed = true;
    this.#socket?.close();
  }

  async #exclusive<T>(
    command: string,
    options: CallOptions,
    task: (limits: Limits) => Promise<T>,
  ): Promise<T> {
    const call = this.#inTurn(command, options, task);
    return await (options.report ? patiently({ report: options.report }, 'the guest agent', call) : call);
  }

  async #inTurn<T>(command: string, options: CallOptions, task: (limits: Limits) => Promise<T>): Promise<T> {
    const limits = limitsOf(options);
    const previous = this.#tail;
    const mine = deferred();
    this.#tail = previous.then(() => mine.promise);
    let hasTurn = false;
    try {
      // The wait for earlier calls is a part of the time that this one has.
      await within(previous, {
        ms: remaining(limits),
        signal: options.signal,
        what: command,
        onTimeout: () => silence('earlier calls did not finish'),
      });
      hasTurn = true;
      if (this.#closed) throw silence('the connection was closed');
      if (this.#socket) this.#socket.maxLineBytes = limits.maxBytes;
      return await task(limits);
    } catch (error) {
      throw this.#born(error, command);
    } finally {
      mine.resolve();
      // A call that gave up its place must not stop the one that is being answered.
      if (hasTurn) this.#socket?.pause();
    }
  }

  #born(error: unknown, command: string): KameError {
    if (error instanceof KameError) return error;
    return new KameError(
      'GUEST_AGENT_MISSING',
      `The guest agent cannot be reached for ${command}: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }

  /** Connects and synchronises, so that the next line is the reply to the next command. */
  async #ready(limits: Limits): Promise<AgentSocket> {
    const socket = this.#socket?.isOpen ? this.#socket : await this.#connect(limits);
    let resendMs = firstResendMs;
    while (!this.#synced) {
      const left = remaining(limits);
      if (left <= 0) throw silence('it did not synchronise');
      const id = randomInt(1, 2 ** 47);
      socket.sendSentinel();
      socket.send({ execute: 'guest-sync-delimited', arguments: { id } });
      const at = performance.now() + Math.min(left, resendMs);
      this.#synced = await sawSync(socket, id, { ...limits, at });
      resendMs *= 2;
    }
    return socket;
  }

  async #connect(limits: Limits): Promise<AgentSocket> {
    this.#synced = false;
    const socket = await AgentSocket.connect(this.#path, limits);
    if (this.#closed) {
      socket.close();
      throw silence('the connection was closed');
    }
    this.#socket = socket;
    return socket;
  }

  async #answer(socket: AgentSocket, command: string, limits: Limits): Promise<unknown> {
    // If anything fails before the whole reply is read, the state of the stream is unknown.
    this.#synced = false;
    const reply = replyOf(command, await socket.next(command, limits), limits.maxBytes);
    this.#synced = true;
    if ('error' in reply) throw refusal(command, reply['error']);
    return reply['return'];
  }
}

/** Skips everything up to the sentinel that is followed by `id`. Returns false at the deadline. */
async function sawSync(socket: AgentSocket, id: number, limits: Limits): Promise<boolean> {
  let marked = false;
  for (;;) {
    const frame = await socket.next('guest-sync-delimited', limits, true);
    if (frame === undefined) return false;
    if (frame.kind === 'sentinel') marked = true;
    else if (marked && frame.kind === 'line' && returned(frame.text) === id) return true;
    else marked = false;
  }
}

/** Reads up to the synchronisation that was sent right after `command`; an error before it belongs to the command. */
async function answerBefore(socket: AgentSocket, command: string, id: number, limits: Limits): Promise<void> {
  for (;;) {
    const frame = await socket.next(command, limits);
    if (frame === undefined || frame.kind === 'sentinel') continue;
    const reply = replyOf(command, frame, limits.maxBytes);
    if ('error' in reply) throw refusal(command, reply['error']);
    if (reply['return'] === id) return;
  }
}
