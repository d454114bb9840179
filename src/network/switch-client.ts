import type { Socket } from 'node:net';
import { deferred } from '../core/deferred.ts';
import { KameError, messageOf } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';
import { connectUnix } from '../sys/socket.ts';
import type { SwitchConfig, SwitchReply, SwitchRequest, SwitchStatus } from './switch-config.ts';

/** Largest answer of a switch: that of a few hundred ports and leases is far below. */
const maxLine = 4 * 1024 * 1024;

interface Waiting {
  readonly settle: (reply: SwitchReply) => void;
  readonly fail: (error: KameError) => void;
}

export interface SwitchLimits {
  /** Milliseconds. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  /** Once this settles nothing will listen any more: its process has ended. */
  readonly stop?: Promise<unknown>;
}

/** A connection to the control socket of a switch. */
export class SwitchClient implements Disposable {
  readonly #socket: Socket;
  readonly #network: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #closed = deferred();
  #text = '';
  #nextId = 1;
  #ended = false;

  /** @param socket a connection to it */
  constructor(socket: Socket, network: string) {
    this.#socket = socket;
    this.#network = network;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#receive(text));
    socket.on('error', () => this.#end());
    socket.on('close', () => this.#end());
  }

  /** @throws KameError ENGINE_TIMEOUT when nothing listens before the deadline, ENGINE_FAILED after `stop`, CANCELLED */
  static async open(path: string, network: string, limits: SwitchLimits): Promise<SwitchClient> {
    const socket = await connectUnix(path, limits);
    if (!socket) throw new KameError('ENGINE_FAILED', `The switch of ${network} does not listen on ${path}.`);
    return new SwitchClient(socket, network);
  }

  /** Resolves when the connection has ended, which mostly means that the switch has. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Replaces the configuration. @throws KameError ENGINE_FAILED, ENGINE_TIMEOUT, CANCELLED */
  async configure(config: SwitchConfig, limits: SwitchLimits): Promise<SwitchStatus> {
    return await this.#ask((id) => ({ id, method: 'configure', config }), limits);
  }

  /** @throws KameError ENGINE_FAILED, ENGINE_TIMEOUT, CANCELLED */
  async status(limits: SwitchLimits): Promise<SwitchStatus> {
    return await this.#ask((id) => ({ id, method: 'status' }), limits);
  }

  [Symbol.dispose](): void {
    this.#end();
    this.#socket.destroy();
  }

  async #ask(request: (id: number) => SwitchRequest, limits: SwitchLimits): Promise<SwitchStatus> {
    if (this.#ended) throw this.#gone();
    const id = this.#nextId;
    this.#nextId += 1;
    const reply = await new Promise<SwitchReply>((resolve, reject) => {
      const { signal } = limits;
      const clear = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', cancel);
        this.#waiting.delete(id);
      };
      const fail = (error: KameError) => {
        clear();
        reject(error);
      };
      const cancel = () => fail(new KameError('CANCELLED', `Waiting for ${this.#network} was cancelled.`));
      const late = `The switch of ${this.#network} did not answer within ${formatDuration(limits.deadlineMs)}.`;
      const timer = setTimeout(() => fail(new KameError('ENGINE_TIMEOUT', late)), limits.deadlineMs);
      signal?.addEventListener('abort', cancel);
      const settle = (answer: SwitchReply) => {
        clear();
        resolve(answer);
      };
      this.#waiting.set(id, { settle, fail });
      if (signal?.aborted) cancel();
      else this.#socket.write(`${JSON.stringify(request(id))}\n`);
    });
    if ('status' in reply) return reply.status;
    throw new KameError('ENGINE_FAILED', `The switch of ${this.#network}: ${reply.error}`);
  }

  #receive(text: string): void {
    const lines = (this.#text + text).split('\n');
    this.#text = lines.pop() ?? '';
    try {
      if (this.#text.length > maxLine) throw new Error('its answer is too long');
      for (const line of lines) {
        const reply = JSON.parse(line) as SwitchReply;
        this.#waiting.get(reply.id)?.settle(reply);
      }
    } catch (error) {
      this.#socket.destroy(new Error(messageOf(error)));
    }
  }

  #gone(): KameError {
    return new KameError('ENGINE_FAILED', `The switch of ${this.#network} has ended.`);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const { fail } of [...this.#waiting.values()]) fail(this.#gone());
    this.#closed.resolve();
  }
}
