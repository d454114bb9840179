import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { deferred } from '../../src/core/deferred.ts';
import { FrameDecoder } from '../../src/network/packet/frame-decoder.ts';
import { framed } from './frames.ts';

/** An adapter as an engine has it: it listens, accepts one connection after the other, and speaks frames. */
export class FakeAdapter implements AsyncDisposable {
  readonly path: string;
  readonly frames: Buffer[] = [];
  connections = 0;
  #server: Server | null = null;
  #socket: Socket | null = null;
  #changed = deferred();

  constructor(path: string) {
    this.path = path;
  }

  async listen(): Promise<this> {
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.listen(this.path);
    await once(this.#server, 'listening');
    return this;
  }

  send(...frames: readonly Buffer[]): void {
    this.#socket?.write(Buffer.concat(frames.map(framed)));
  }

  /** Sends bytes as they are. */
  sendRaw(bytes: Buffer): void {
    this.#socket?.write(bytes);
  }

  /** Reads nothing any more, as an engine that was stopped. */
  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  /** Ends the connection; the engine still listens. */
  hangUp(): void {
    this.#socket?.destroy();
    this.#socket = null;
  }

  /** Waits until something is so. The timeout of the test is its deadline. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#changed.promise;
  }

  async connected(): Promise<void> {
    await this.until(() => this.#socket !== null);
  }

  /** Ends, as the engine of a machine that stops. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.hangUp();
    const server = this.#server;
    this.#server = null;
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  #accept(socket: Socket): void {
    this.#socket = socket;
    this.connections += 1;
    const decoder = new FrameDecoder(70_000);
    const sink = {
      frame: (buffer: Buffer, start: number, end: number) =>
        this.frames.push(Buffer.from(buffer.subarray(start + 4, end))),
      oversize: () => undefined,
    };
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      decoder.push(chunk, sink);
      this.#notify();
    });
    this.#notify();
  }

  #notify(): void {
    const changed = this.#changed;
    this.#changed = deferred();
    changed.resolve();
  }
}
