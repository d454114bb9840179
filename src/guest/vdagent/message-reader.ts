import { KameError } from '../../core/errors.ts';
import { ByteQueue } from '../../sys/byte-queue.ts';
import {
  chunkHeaderBytes,
  clientPort,
  messageHeaderBytes,
  protocolVersion,
  serverPort,
  type Message,
} from './messages.ts';

export interface ReaderOptions {
  /** The most bytes of a message of this type that are kept. A longer one is read and dropped. */
  readonly limitOf: (type: number) => number;
  readonly onMessage: (message: Message) => void;
  /** A message was dropped since it is too long: its type and its size in bytes. */
  readonly onDropped: (type: number, size: number) => void;
}

/** The message that is being read. */
interface Incoming {
  readonly type: number;
  readonly size: number;
  readonly kept: ByteQueue | undefined;
  /** Bytes that are still to come. */
  left: number;
}

function outOfStep(what: string): KameError {
  return new KameError('GUEST_FAILED', `The desktop agent of the guest broke the protocol: ${what}.`);
}

/**
 * Takes messages out of the stream of chunks, however it is cut. The guest is not trusted: nothing is kept beyond the
 * limits, and memory is taken only for bytes that have come.
 */
export class MessageReader {
  readonly #options: ReaderOptions;
  /** A header that is not complete. */
  #header = Buffer.alloc(0);
  /** Bytes of the current chunk that are still to come; undefined between chunks. */
  #chunkLeft: number | undefined;
  /** Whether the current chunk is for the port of the server, which nobody reads. */
  #skips = false;
  #messageHeader = Buffer.alloc(0);
  #message: Incoming | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** @throws KameError GUEST_FAILED when the stream is no sequence of messages; nothing more can be read from it */
  push(data: Buffer): void {
    let at = 0;
    while (at < data.length) {
      if (this.#chunkLeft === undefined) {
        at += this.#takeChunkHeader(data.subarray(at));
        continue;
      }
      const part = data.subarray(at, at + this.#chunkLeft);
      at += part.length;
      this.#chunkLeft -= part.length;
      if (!this.#skips) this.#takePart(part);
      if (this.#chunkLeft === 0) this.#chunkLeft = undefined;
    }
  }

  #takeChunkHeader(data: Buffer): number {
    const taken = data.subarray(0, chunkHeaderBytes - this.#header.length);
    const header = Buffer.concat([this.#header, taken]);
    this.#header = header;
    if (header.length < chunkHeaderBytes) return taken.length;
    this.#header = Buffer.alloc(0);
    const port = header.readUInt32LE(0);
    if (port !== clientPort && port !== serverPort) throw outOfStep(`it sent a chunk for port ${port}`);
    this.#skips = port === serverPort;
    const size = header.readUInt32LE(4);
    this.#chunkLeft = size === 0 ? undefined : size;
    return taken.length;
  }

  /** Takes a part of a chunk: of the header of a message, or of its data. A message may continue in the next chunk. */
  #takePart(part: Buffer): void {
    let rest = part;
    if (!this.#message) {
      const taken = rest.subarray(0, messageHeaderBytes - this.#messageHeader.length);
      this.#messageHeader = Buffer.concat([this.#messageHeader, taken]);
      rest = rest.subarray(taken.length);
      if (this.#messageHeader.length < messageHeaderBytes) return;
      this.#begin();
    }
    const message = this.#message;
    if (!message) return;
    if (rest.length > message.left) throw outOfStep('a chunk is longer than its message');
    message.kept?.push(rest);
    message.left -= rest.length;
    if (message.left > 0) return;
    this.#message = undefined;
    // Nothing but the end of a chunk may follow a message.
    if (this.#chunkLeft !== 0) throw outOfStep('a chunk is longer than its message');
    const { type, size, kept } = message;
    if (kept) this.#options.onMessage({ type, data: kept.take() });
    else this.#options.onDropped(type, size);
  }

  #begin(): void {
    const header = this.#messageHeader;
    this.#messageHeader = Buffer.alloc(0);
    const protocol = header.readUInt32LE(0);
    if (protocol !== protocolVersion) throw outOfStep(`its message has version ${protocol}`);
    const type = header.readUInt32LE(4);
    const size = header.readUInt32LE(16);
    const kept = size <= this.#options.limitOf(type) ? new ByteQueue() : undefined;
    this.#message = { type, size, kept, left: size };
  }
}
