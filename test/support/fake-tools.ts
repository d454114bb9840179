import { createServer, type Socket } from 'node:net';
import {
  encodeFrame,
  FrameReader,
  frameTypes,
  preamble,
  type Frame,
  type FrameType,
} from '../../src/guest/tools/frames.ts';

/** What the guest's side of a connection can send. */
export interface FakeToolsPeer {
  send(type: FrameType, stream: number, payload?: Buffer | object): void;
  /** Sends bytes that need not be a frame. */
  raw(bytes: Buffer): void;
  /** What a frame would be. */
  frame(type: FrameType, stream: number, payload?: Buffer): Buffer;
  /** Reads no more, as a guest that hangs. */
  stopReading(): void;
  hangUp(): void;
}

export interface FakeToolsOptions {
  /** What it says at the start, or makes for each connection; null for nothing. Default: a good hello. */
  readonly hello?: object | Buffer | (() => object) | null;
  /** Bytes before its preamble, as the rest of what was for another host. */
  readonly rubbish?: Buffer;
  /** Called for each frame after the hello of the host. */
  readonly onFrame?: (frame: Frame, peer: FakeToolsPeer) => void;
}

export interface FakeTools extends AsyncDisposable {
  readonly frames: Frame[];
  /** Connections so far. */
  readonly connections: () => number;
  hangUp(): void;
}

export const goodHello = {
  version: 1,
  program: '0.1.0',
  hostname: 'demo',
  bootId: '0b5c5e2e-0000-4000-8000-000000000000',
  services: ['info', 'exec', 'operate'],
};

const nonceBytes = 16;
const partBytes = 16_384;
const openingBytes = preamble(Buffer.alloc(nonceBytes)).length;

function bytesOf(payload: Buffer | object = Buffer.alloc(0)): Buffer {
  return Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload));
}

function serve(socket: Socket, options: FakeToolsOptions, frames: Frame[]): void {
  let opening = Buffer.alloc(0);
  let reader: FrameReader | undefined;
  let peer: FakeToolsPeer | undefined;
  const begin = (nonce: Buffer): FakeToolsPeer => {
    const { hello = goodHello, rubbish = Buffer.alloc(0) } = options;
    const made: FakeToolsPeer = {
      send: (type, stream, payload) => socket.write(encodeFrame(nonce, type, stream, bytesOf(payload))),
      raw: (bytes) => socket.write(bytes),
      frame: (type, stream, payload) => encodeFrame(nonce, type, stream, bytesOf(payload)),
      stopReading: () => socket.pause(),
      hangUp: () => socket.destroy(),
    };
    if (hello !== null) {
      socket.write(Buffer.concat([rubbish, preamble(nonce)]));
      made.send(frameTypes.hello, 0, typeof hello === 'function' ? (hello as () => object)() : hello);
    }
    return made;
  };
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    if (!reader || !peer) {
      opening = Buffer.concat([opening, chunk]);
      if (opening.length < openingBytes) return;
      const nonce = opening.subarray(openingBytes - nonceBytes, openingBytes);
      reader = new FrameReader(nonce);
      peer = begin(nonce);
      chunk = opening;
    }
    for (const frame of reader.push(chunk)) {
      if (frame.type === frameTypes.hello) continue;
      frames.push({ ...frame, payload: Buffer.from(frame.payload) });
      options.onFrame?.(frame, peer);
    }
  });
}

/** kame-tools of a guest, as far as a test says what they do, on a Unix socket. */
export async function listenAsTools(path: string, options: FakeToolsOptions = {}): Promise<FakeTools> {
  const frames: Frame[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serve(socket, options, frames);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  const hangUp = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    frames,
    connections: () => connections,
    hangUp,
    [Symbol.asyncDispose]: async () => {
      hangUp();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A command of the fake guest: answers each request with what it prints and how it ends. */
export function commandThat(
  prints: Readonly<Partial<Record<'stdout' | 'stderr', string>>>,
  end: object = { exitCode: 0, signal: null },
): NonNullable<FakeToolsOptions['onFrame']> {
  return ({ type, stream }, peer) => {
    if (type !== frameTypes.request) return;
    peer.send(frameTypes.started, stream);
    for (const [at, name] of (['stdout', 'stderr'] as const).entries()) {
      const text = prints[name];
      if (text !== undefined)
        peer.send(frameTypes.data, stream, Buffer.concat([Buffer.of(at + 1), Buffer.from(text)]));
    }
    peer.send(frameTypes.done, stream, end);
  };
}

/** Does operations: answers each with what `reply` says, as JSON. */
export function operationThat(
  reply: (asked: Readonly<Record<string, unknown>>) => unknown,
): NonNullable<FakeToolsOptions['onFrame']> {
  return ({ type, stream, payload }, peer) => {
    if (type !== frameTypes.request) return;
    const said = reply(JSON.parse(payload.toString('utf8')) as Record<string, unknown>);
    const text = Buffer.from(typeof said === 'string' ? said : JSON.stringify(said));
    peer.send(frameTypes.started, stream);
    for (let at = 0; at < text.length; at += partBytes)
      peer.send(frameTypes.data, stream, Buffer.concat([Buffer.of(1), text.subarray(at, at + partBytes)]));
    peer.send(frameTypes.done, stream, { exitCode: 0, signal: null });
  };
}
