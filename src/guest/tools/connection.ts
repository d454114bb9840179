import type { Socket } from 'node:net';
import { deferred } from '../../core/deferred.ts';
import { KameError } from '../../core/errors.ts';
import {
  encodeFrame,
  FrameReader,
  frameTypes,
  maxPayload,
  maxRequestBytes,
  newNonce,
  preamble,
  violation,
  type Frame,
  type FrameType,
} from './frames.ts';
import { protocolVersion, readHello, type ToolsHello, type ToolsRequest } from './messages.ts';
import { ToolsStream, type OutputListener } from './stream.ts';

/** The most unsent bytes before a sender must wait. */
const highWater = 256 * 1024;
const lastStream = 0xffff_ffff;

/** What runs over a stream: of the service of a guest, and of the helper in a session. */
export type Service =
  | 'exec'
  | 'operate'
  | 'guestinfo'
  | 'clipboardWatch'
  | 'clipboardRead'
  | 'clipboardWrite'
  | 'display'
  | 'drop';

function lost(): KameError {
  return new KameError('GUEST_TOOLS_MISSING', 'The connection to kame-tools in the guest was lost.', {
    next: 'Run the command again. If it fails again, look at the service kame-tools in the guest.',
  });
}

/**
 * A connection to kame-tools in one guest, on a socket that is open. The guest is treated as hostile: whatever is against the
 * protocol ends the connection and all that runs over it.
 */
export class ToolsConnection {
  /** Resolves when the guest has said who it is; rejects when the connection ends before that. */
  readonly hello: Promise<ToolsHello>;
  /** Resolves when it can no longer be used. */
  readonly closed: Promise<void>;
  readonly #hello = deferred<ToolsHello>();
  readonly #socket: Socket;
  readonly #nonce = newNonce();
  readonly #reader = new FrameReader(this.#nonce);
  readonly #streams = new Map<number, ToolsStream>();
  #greeted = false;
  #lastStream = 0;
  #draining: Promise<void> | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.hello = this.#hello.promise;
    this.hello.catch(() => undefined);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', () => socket.destroy());
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('close', () => this.#fail(lost()));
    socket.write(preamble(this.#nonce));
    const greeting = Buffer.from(JSON.stringify({ version: protocolVersion }));
    socket.write(encodeFrame(this.#nonce, frameTypes.hello, 0, greeting));
  }

  /** Whether it can still be used. */
  get usable(): boolean {
    return !this.#socket.destroyed;
  }

  /**
   * Opens a stream with a request to a service.
   * @throws KameError INVALID_VALUE when it is too long, GUEST_TOOLS_MISSING when the connection is closed
   */
  open(service: Service, asked: ToolsRequest, listener: OutputListener): ToolsStream {
    const request = Buffer.from(JSON.stringify({ service, ...asked }));
    if (request.length > maxRequestBytes) {
      throw new KameError(
        'INVALID_VALUE',
        `The command has ${request.length} bytes; the limit is ${maxRequestBytes} bytes.`,
      );
    }
    if (!this.usable || this.#lastStream === lastStream) throw lost();
    const id = (this.#lastStream += 1);
    const stream = new ToolsStream(async (type, payload) => await this.#send(type, id, payload), listener);
    this.#streams.set(id, stream);
    // All parts at once: those of another request must not come between them. Nobody waits until the guest has taken them, so
    // that the command can be cancelled from here on.
    let at = 0;
    for (; request.length - at > maxPayload; at += maxPayload)
      this.#write(frameTypes.requestPart, id, request.subarray(at, at + maxPayload));
    this.#write(frameTypes.request, id, request.subarray(at));
    return stream;
  }

  close(): void {
    this.#socket.destroy();
  }

  #write(type: FrameType, stream: number, payload: Buffer): void {
    if (this.usable) this.#socket.write(encodeFrame(this.#nonce, type, stream, payload));
  }

  async #send(type: FrameType, stream: number, payload: Buffer): Promise<void> {
    this.#write(type, stream, payload);
    while (this.usable && this.#socket.writableLength > highWater) await (this.#draining ??= this.#drained());
  }

  async #drained(): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#socket.off('drain', done).off('close', done);
        this.#draining = undefined;
        resolve();
      };
      this.#socket.on('drain', done).on('close', done);
    });
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#take(frame);
    } catch (error) {
      this.#fail(error);
    }
  }

  #take(frame: Frame): void {
    if (!this.#greeted) {
      this.#greet(frame);
      return;
    }
    const stream = this.#streams.get(frame.stream);
    if (!stream) throw violation(`it sent a frame for the stream ${frame.stream}, which is not open`);
    if (stream.take(frame)) this.#streams.delete(frame.stream);
  }

  #greet({ type, payload }: Frame): void {
    if (type !== frameTypes.hello) throw violation('it did not begin with a hello');
    const hello = readHello(payload);
    if (hello.version < protocolVersion) {
      throw new KameError(
        'GUEST_TOOLS_MISSING',
        `kame-tools ${hello.program} in the guest speaks version ${hello.version} of the protocol, and this host version ${protocolVersion}.`,
        { next: 'Update it with `kame tools install NAME`.' },
      );
    }
    this.#greeted = true;
    this.#hello.resolve(hello);
  }

  #fail(error: unknown): void {
    this.#socket.destroy();
    this.#hello.reject(error);
    for (const stream of this.#streams.values()) stream.fail(error);
    this.#streams.clear();
  }
}
