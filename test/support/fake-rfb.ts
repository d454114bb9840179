import { createServer, type Socket } from 'node:net';
import { deferred } from '../../src/core/deferred.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A part of a picture: where it is, and its pixels of four bytes. */
export interface FakeRectangle extends Size {
  readonly x: number;
  readonly y: number;
  readonly pixels: Buffer;
}

export interface FakeRfbOptions {
  readonly size?: Size;
  /** What the answer to a request for a size says: 4 is QEMU's "forwarded", 3 an invalid layout. */
  readonly status?: number;
  /** Bytes instead of the handshake. */
  readonly greeting?: Buffer;
  /** The kinds of security that it offers; 1 is none. */
  readonly security?: readonly number[];
  /**
   * Whether it knows the extension for sound, and says so at once or only with `announceSound`; without it, it says nothing to
   * a client that asks.
   */
  readonly sound?: boolean | 'announced';
  /** What it sends to a client that asks for a picture; nothing by default. */
  readonly picture?: readonly FakeRectangle[];
}

const [extendedDesktopSize, qemuAudio] = [-308, -259];

/** QEMU's VNC server, as far as the size of the display, its sound and pictures of it are concerned. */
export class FakeRfb implements AsyncDisposable {
  /** The sizes that were asked for. */
  readonly wanted: Size[] = [];
  /** What clients have sent to have a picture. */
  readonly pictureRequests: string[] = [];
  /** What clients have sent to have the sound. */
  readonly soundRequests: string[] = [];
  /** Called with each of them, after its answer has been sent. */
  onWanted: (size: Size) => void = () => undefined;
  readonly #soundAsked = deferred();
  readonly #soundRequested = deferred();
  size: Size;
  readonly #options: FakeRfbOptions;
  readonly #sockets = new Set<Socket>();
  #wake = deferred();
  #close: () => Promise<void> = () => Promise.resolve();

  private constructor(options: FakeRfbOptions) {
    this.#options = options;
    this.size = options.size ?? { width: 1280, height: 800 };
  }

  static async listen(path: string, options: FakeRfbOptions = {}): Promise<FakeRfb> {
    const display = new FakeRfb(options);
    const server = createServer((socket) => {
      display.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        display.#sockets.delete(socket);
        display.#wake.resolve();
      });
      display.#serve(socket);
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    display.#close = async () => {
      for (const socket of display.#sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    };
    return display;
  }

  async untilLeft(): Promise<void> {
    while (this.#sockets.size > 0) {
      this.#wake = deferred();
      await this.#wake.promise;
    }
  }

  /** The guest changes its display. */
  change(size: Size): void {
    this.size = size;
    this.raw(this.#rectangle(0, 0));
  }

  /** Says that it knows the extension for sound; resolves when the client has then asked for the sound. */
  async announceSound(): Promise<void> {
    this.raw(this.#head(qemuAudio, 0, 0));
    await this.#soundRequested.promise;
  }

  /** Resolves when a client has asked whether it knows the extension for sound. */
  async soundAsked(): Promise<void> {
    await this.#soundAsked.promise;
  }

  /** The guest plays after silence, or is silent again. */
  soundNotice(notice: 'begin' | 'end'): void {
    this.raw(Buffer.from([255, 1, 0, notice === 'begin' ? 1 : 0]));
  }

  /** What the guest plays. */
  sound(data: Buffer): void {
    const head = Buffer.from([255, 1, 0, 2, 0, 0, 0, 0]);
    head.writeUInt32BE(data.length, 4);
    this.raw(Buffer.concat([head, data]));
  }

  raw(data: Buffer): void {
    for (const socket of this.#sockets) socket.write(data);
  }

  /** An update with one rectangle of ExtendedDesktopSize, and one screen. */
  #rectangle(reason: number, status: number): Buffer {
    const screens = Buffer.alloc(20);
    screens.writeUInt8(1);
    return Buffer.concat([this.#head(extendedDesktopSize, reason, status), screens]);
  }

  #head(encoding: number, x: number, y: number): Buffer {
    const message = Buffer.alloc(16);
    message.writeUInt16BE(1, 2);
    message.writeUInt16BE(x, 4);
    message.writeUInt16BE(y, 6);
    message.writeUInt16BE(this.size.width, 8);
    message.writeUInt16BE(this.size.height, 10);
    message.writeInt32BE(encoding, 12);
    return message;
  }

  #onEncoding(socket: Socket, encoding: number): void {
    if (encoding !== qemuAudio) return;
    this.#soundAsked.resolve();
    if (this.#options.sound === true) socket.write(this.#head(qemuAudio, 0, 0));
  }

  #serve(socket: Socket): void {
    const { greeting, security = [1], status = 4 } = this.#options;
    socket.write(greeting ?? 'RFB 003.008\n');
    let input = Buffer.alloc(0);
    const init = Buffer.alloc(28);
    init.writeUInt16BE(this.size.width, 0);
    init.writeUInt16BE(this.size.height, 2);
    init.writeUInt32BE(4, 20);
    init.write('QEMU', 24);
    // The steps of a session: how many bytes each waits for, and what it does with them.
    const steps: [number, (data: Buffer) => void][] = [
      [12, () => socket.write(Buffer.from([security.length, ...security]))],
      [1, () => socket.write(Buffer.alloc(4))],
      [1, () => socket.write(init)],
      [8, (data) => this.#onEncoding(socket, data.readInt32BE(4))],
    ];
    const [requestBytes, onRequest] = this.#requests(socket, status);
    socket.on('data', (data: Buffer) => {
      input = Buffer.concat([input, data]);
      for (;;) {
        const [bytes, act] = steps[0] ?? [requestBytes, onRequest];
        if (input.length < bytes) return;
        const taken = input.subarray(0, bytes);
        input = input.subarray(bytes);
        steps.shift();
        act(taken);
      }
    });
  }

  /** What clients send after the handshake, and what is done with it. */
  #requests(socket: Socket, status: number): readonly [number, (request: Buffer) => void] {
    const { picture, sound = false } = this.#options;
    if (picture) return [30, (request) => this.#onPicture(socket, request, picture)];
    if (sound !== false) return [14, (request) => this.#onSound(request)];
    return [24, (request) => this.#onSize(socket, request, status)];
  }

  #onPicture(socket: Socket, request: Buffer, rectangles: readonly FakeRectangle[]): void {
    this.pictureRequests.push(request.toString('hex'));
    const head = Buffer.alloc(4);
    head.writeUInt16BE(rectangles.length, 2);
    socket.write(head);
    for (const { x, y, width, height, pixels } of rectangles) {
      const place = Buffer.alloc(12);
      for (const [index, value] of [x, y, width, height].entries()) place.writeUInt16BE(value, index * 2);
      socket.write(Buffer.concat([place, pixels]));
    }
  }

  #onSound(request: Buffer): void {
    this.soundRequests.push(request.toString('hex'));
    this.#soundRequested.resolve();
  }

  #onSize(socket: Socket, request: Buffer, status: number): void {
    const size = { width: request.readUInt16BE(2), height: request.readUInt16BE(4) };
    this.wanted.push(size);
    socket.write(this.#rectangle(1, status));
    this.onWanted(size);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}
