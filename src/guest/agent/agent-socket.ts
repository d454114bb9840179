import type { Socket } from 'node:net';
import { KameError } from '../../core/errors.ts';
import { connectUnix } from '../../sys/socket.ts';
import { AgentFrames, type AgentFrame } from './frames.ts';
import { within } from './wait.ts';

const connectDeadlineMs = 1000;

/** The limits of one call. */
export interface Limits {
  /** By `performance.now()`. */
  readonly at: number;
  readonly signal: AbortSignal | undefined;
  readonly maxBytes: number;
}

export function remaining(limits: Limits): number {
  return limits.at - performance.now();
}

export function silence(what: string): KameError {
  return new KameError('GUEST_AGENT_MISSING', `The guest agent does not respond (${what}).`);
}

const closed = 'the connection was closed';

async function open(path: string, limits: Limits): Promise<Socket> {
  try {
    const socket = await connectUnix(path, {
      // QEMU listens before it reports that it is running, so a short wait is enough.
      deadlineMs: Math.min(connectDeadlineMs, Math.max(0, remaining(limits))),
      ...(limits.signal ? { signal: limits.signal } : {}),
    });
    if (socket) return socket;
  } catch (error) {
    if (error instanceof KameError && error.code !== 'ENGINE_TIMEOUT') throw error;
  }
  throw silence(`nothing is listening on ${path}`);
}

/** The connection to the port of the agent, as messages and frames. It reads only while somebody waits for a frame. */
export class AgentSocket {
  readonly #socket: Socket;
  readonly #frames: AgentFrames;
  #inbox: AgentFrame[] = [];
  #wake: (() => void) | undefined;

  private constructor(socket: Socket, maxLineBytes: number) {
    this.#socket = socket;
    this.#frames = new AgentFrames(maxLineBytes);
    socket.on('data', (chunk: Buffer) => {
      for (const frame of this.#frames.push(chunk)) this.#inbox.push(frame);
      // Do not read ahead: unrequested data stays in the buffer of the kernel, and the guest blocks when writing.
      socket.pause();
      this.#wake?.();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#wake?.());
  }

  /** @throws KameError GUEST_AGENT_MISSING, CANCELLED */
  static async connect(path: string, limits: Limits): Promise<AgentSocket> {
    return new AgentSocket(await open(path, limits), limits.maxBytes);
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** The longest line that is read. */
  set maxLineBytes(bytes: number) {
    this.#frames.maxLineBytes = bytes;
  }

  send(message: object): void {
    this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  /** Makes the agent discard a part of a request that it may have. */
  sendSentinel(): void {
    this.#socket.write(Buffer.from([0xff]));
  }

  /**
   * The next frame. At the deadline, undefined if `optional`, otherwise an error.
   * @throws KameError GUEST_AGENT_MISSING, GUEST_TIMEOUT, CANCELLED
   */
  async next(command: string, limits: Limits, optional = false): Promise<AgentFrame | undefined> {
    for (;;) {
      const frame = this.#inbox.shift();
      if (frame) return frame;
      if (!this.isOpen) throw silence(closed);
      const left = remaining(limits);
      const timeout = new KameError('GUEST_TIMEOUT', `The guest agent did not reply to ${command} in time.`);
      if (left <= 0) {
        if (optional) return undefined;
        throw timeout;
      }
      const news = new Promise<void>((resolve) => (this.#wake = resolve));
      this.#socket.resume();
      try {
        await within(news, { ms: left, signal: limits.signal, what: command, onTimeout: () => timeout });
      } catch (error) {
        if (error === timeout && optional) return undefined;
        throw error;
      }
    }
  }

  /** Stops reading. */
  pause(): void {
    this.#socket.pause();
  }

  close(): void {
    this.#socket.destroy();
    this.#wake?.();
  }
}
