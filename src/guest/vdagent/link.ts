import type { Socket } from 'node:net';
import { KameError } from '../../core/errors.ts';
import { connectUnix } from '../../sys/socket.ts';
import { MessageReader, type ReaderOptions } from './message-reader.ts';
import { chunkHeader, maxChunkBytes, messageHeader, type Message } from './messages.ts';

const connectDeadlineMs = 2000;
/** Messages that may wait for a guest that does not read. */
const maxQueued = 64;

export interface LinkOptions extends ReaderOptions {
  /** The connection is over: the engine has closed it, or, with an error, the guest has broken the protocol. */
  readonly onClosed: (error: KameError | undefined) => void;
}

/** The pieces of a message that go into chunks: its header and then its parts, cut at the size of a chunk. */
function* chunksOf(type: number, parts: readonly Buffer[]): Generator<Buffer> {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  let chunk: Buffer[] = [];
  let filled = 0;
  for (const part of [messageHeader(type, size), ...parts]) {
    for (let at = 0; at < part.length;) {
      const piece = part.subarray(at, at + maxChunkBytes - filled);
      chunk.push(piece);
      filled += piece.length;
      at += piece.length;
      if (filled < maxChunkBytes) continue;
      yield Buffer.concat([chunkHeader(filled), ...chunk]);
      [chunk, filled] = [[], 0];
    }
  }
  if (filled > 0) yield Buffer.concat([chunkHeader(filled), ...chunk]);
}

/** No agent answers, or no longer. */
export function agentMissing(message: string): KameError {
  const next = 'Install spice-vdagent in the guest, and log in to its desktop.';
  return new KameError('GUEST_AGENT_MISSING', message, { next });
}

function gone(): KameError {
  return agentMissing('The desktop agent of the guest has stopped.');
}

async function drained(socket: Socket): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const settle = () => {
      socket.off('drain', settle);
      socket.off('close', settle);
      if (socket.destroyed) reject(gone());
      else resolve();
    };
    socket.once('drain', settle);
    socket.once('close', settle);
  });
}

/** A connection to the port of a desktop agent. Messages leave one after the other, as fast as the guest takes them. */
export class AgentLink {
  readonly #socket: Socket;
  readonly #options: LinkOptions;
  #reader: MessageReader;
  #tail: Promise<void> = Promise.resolve();
  #queued = 0;
  #over = false;

  private constructor(socket: Socket, options: LinkOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#reader = new MessageReader(options);
    socket.on('data', (data: Buffer) => this.#take(data));
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#end(undefined));
  }

  /** @throws KameError ENGINE_TIMEOUT when the engine does not accept the connection */
  static async connect(path: string, options: LinkOptions): Promise<AgentLink> {
    const socket = await connectUnix(path, { deadlineMs: connectDeadlineMs });
    if (!socket) throw gone();
    return new AgentLink(socket, options);
  }

  /** Whether so many messages wait that the guest seems not to read. */
  get isFull(): boolean {
    return this.#queued >= maxQueued;
  }

  /**
   * Resolves when the guest has taken the message, except for what the engine buffers.
   * @throws KameError GUEST_AGENT_MISSING when the connection ends first, GUEST_TIMEOUT when too many messages wait
   */
  async send({ type, data }: Message, ...more: readonly Buffer[]): Promise<void> {
    if (this.isFull)
      throw new KameError('GUEST_TIMEOUT', 'The desktop agent of the guest does not read its messages.');
    this.#queued += 1;
    const sent = this.#tail.then(async () => await this.#write(type, [data, ...more]));
    this.#tail = sent.catch(() => undefined);
    try {
      await sent;
    } finally {
      this.#queued -= 1;
    }
  }

  /** Another agent has opened the port: its messages do not continue those of the last one. */
  restart(): void {
    this.#reader = new MessageReader(this.#options);
  }

  close(): void {
    this.#over = true;
    this.#socket.destroy();
  }

  async #write(type: number, parts: readonly Buffer[]): Promise<void> {
    for (const chunk of chunksOf(type, parts)) {
      if (this.#socket.destroyed) throw gone();
      if (!this.#socket.write(chunk)) await drained(this.#socket);
    }
  }

  #take(data: Buffer): void {
    if (this.#over) return;
    try {
      this.#reader.push(data);
    } catch (error) {
      if (!(error instanceof KameError)) throw error;
      this.#socket.destroy();
      this.#end(error);
    }
  }

  #end(error: KameError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#options.onClosed(error);
  }
}
