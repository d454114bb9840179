import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { WebSocketChannel } from './websocket-channel.ts';

/** A WebSocket whose client reads only when the test says so. */
class SlowSocket extends EventEmitter {
  readonly sent: Buffer[] = [];
  readonly #waiting: (() => void)[] = [];
  bufferedAmount = 0;
  isPaused = false;
  state: 'open' | 'terminated' | 'closed' = 'open';

  send(data: Buffer, _options: object, done: () => void = () => undefined): void {
    this.sent.push(data);
    this.#waiting.push(done);
  }

  /** The client reads everything that was sent. */
  read(): void {
    for (const done of this.#waiting.splice(0)) done();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  close(): void {
    this.state = 'closed';
  }

  terminate(): void {
    this.state = 'terminated';
    this.emit('close');
  }
}

function open(): { socket: SlowSocket; channel: WebSocketChannel } {
  const socket = new SlowSocket();
  return { socket, channel: new WebSocketChannel(socket as unknown as WebSocket) };
}

describe('output for a client that reads slowly', () => {
  it('is sent in few messages, however small its pieces are', () => {
    const { socket, channel } = open();
    for (let count = 0; count < 100_000; count += 1) channel.push(Buffer.from([count & 0xff]));
    expect(socket.sent).toHaveLength(1);
    socket.read();
    expect(socket.sent).toHaveLength(2);
    socket.read();
    expect(Buffer.concat(socket.sent).length).toBe(100_000);
    expect(socket.sent[1]?.subarray(0, 3)).toEqual(Buffer.from([1, 2, 3]));
  });

  it('is kept up to 4 MiB; then the client is disconnected, and nothing is kept for it', () => {
    const { socket, channel } = open();
    const chunk = Buffer.alloc(64 * 1024);
    for (let count = 0; count < 65; count += 1) channel.push(chunk);
    expect(socket.state).toBe('open');
    channel.push(Buffer.alloc(1));
    expect(socket.state).toBe('terminated');
    channel.push(chunk);
    socket.read();
    expect(socket.sent).toHaveLength(1);
  });

  it('is complete before the connection is closed', () => {
    const { socket, channel } = open();
    channel.push(Buffer.from('first'));
    channel.push(Buffer.from('last'));
    channel.close('done');
    expect(String(Buffer.concat(socket.sent))).toBe('firstlast');
    expect(socket.state).toBe('closed');
  });
});

describe('input', () => {
  it('in empty messages makes the client wait too', async () => {
    const { socket, channel } = open();
    for (let count = 0; count < 5000; count += 1) socket.emit('message', Buffer.alloc(0));
    expect(socket.isPaused).toBe(true);
    for (let count = 0; count < 5000; count += 1) await channel.next();
    expect(socket.isPaused).toBe(false);
  });
});

describe('the end', () => {
  it('is reported to a listener that is added too late', () => {
    const { socket, channel } = open();
    socket.terminate();
    let told = false;
    channel.onClosed(() => (told = true));
    expect(told).toBe(true);
  });
});
