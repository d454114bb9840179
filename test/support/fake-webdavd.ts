import { createServer, type Server, type Socket } from 'node:net';
import { deferred } from '../../src/core/deferred.ts';

/** A frame of the port, written down again: the fake must not share an error with the program. */
export function webdavFrame(client: number, content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  const header = Buffer.alloc(10);
  header.writeInt32LE(client, 0);
  header.writeInt32LE(client < 0 ? -1 : 0, 4);
  header.writeUInt16LE(bytes.length, 8);
  return Buffer.concat([header, bytes]);
}

/** spice-webdavd in a guest, with the socket on which QEMU listens for its port. */
export class FakeWebdavd implements AsyncDisposable {
  /** What the host has sent to each connection of the guest. */
  readonly received = new Map<number, string>();
  /** The connections that the host has ended. */
  readonly ended: number[] = [];
  connections = 0;
  readonly #listener: Server;
  #socket: Socket | undefined;
  #input = Buffer.alloc(0);
  #wake = deferred();

  private constructor(listener: Server) {
    this.#listener = listener;
    listener.on('connection', (socket) => this.#begin(socket));
  }

  static async listen(path: string): Promise<FakeWebdavd> {
    const listener = createServer();
    const guest = new FakeWebdavd(listener);
    const listening = deferred();
    listener.listen(path, listening.resolve);
    await listening.promise;
    return guest;
  }

  get connected(): boolean {
    return this.#socket !== undefined && !this.#socket.destroyed;
  }

  send(...frames: readonly Buffer[]): void {
    for (const frame of frames) this.#socket?.write(frame);
  }

  /** A whole request on a connection of the guest. */
  ask(client: number, request: string, body = ''): void {
    const length = body === '' ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
    this.send(webdavFrame(client, `${request} HTTP/1.1\r\nHost: h\r\n${length}\r\n${body}`));
  }

  /** The host is read no more. */
  stopReading(): void {
    this.#socket?.pause();
  }

  /** Waits for what the host does. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      this.#wake = deferred();
      await this.#wake.promise;
    }
  }

  /** Waits for the answer on a connection. */
  async answered(client: number, pattern: RegExp): Promise<string> {
    await this.until(() => pattern.test(this.received.get(client) ?? ''));
    return this.received.get(client) ?? '';
  }

  #begin(socket: Socket): void {
    this.#socket = socket;
    this.connections += 1;
    this.#input = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('close', () => this.#wake.resolve());
    this.#wake.resolve();
  }

  #take(chunk: Buffer): void {
    this.#input = Buffer.concat([this.#input, chunk]);
    while (this.#input.length >= 10) {
      const size = this.#input.readUInt16LE(8);
      if (this.#input.length < 10 + size) break;
      const client = this.#input.readInt32LE(0);
      const content = this.#input.subarray(10, 10 + size).toString('latin1');
      if (size === 0) this.ended.push(client);
      else this.received.set(client, (this.received.get(client) ?? '') + content);
      this.#input = this.#input.subarray(10 + size);
    }
    this.#wake.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket?.destroy();
    await new Promise<void>((resolve) => {
      this.#listener.close(() => resolve());
    });
  }
}
