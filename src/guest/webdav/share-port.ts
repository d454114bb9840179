import type { Socket } from 'node:net';
import { connectUnix } from '../../sys/socket.ts';
import { WebdavServer } from '../../webdav/server.ts';
import type { Shares } from '../../webdav/share.ts';
import { encodeEnd, encodeFrames, FrameReader, type MuxFrame } from './frames.ts';
import { GuestConnection } from './guest-connection.ts';

/** Connections of programs in the guest. One more ends the one that was used least recently. */
const maxConnections = 64;
/** More than all connections together may have on their way. */
const maxUnsentBytes = 32 * 1024 * 1024;
const connectMs = 2000;
/** A guest that sends what is no request gets a new connection to the port after so many milliseconds, then after twice as many. */
const firstPauseMs = 1000;
const longestPauseMs = 60_000;

/** How a request begins. What does not is the rest of something that began before the host was there. */
const requestForm = /^[A-Z]{1,16}(?: |$)/;

const nothing: Shares = { list: [], hidden: new Set(), pinned: new Set() };

export interface SharePortOptions {
  /** Path of the Unix socket on which QEMU listens for the port. */
  readonly path: string;
  readonly onError?: (error: unknown) => void;
}

/**
 * The host's end of the port for shared folders. It is connected for as long as a program in the guest has the port open and there
 * is something to serve; so a guest without shared folders cannot reach the server.
 */
export class SharePort {
  readonly #path: string;
  readonly #server: WebdavServer;
  readonly #connections = new Map<bigint, GuestConnection>();
  readonly #closed = new AbortController();
  #shares: Shares = nothing;
  #open = false;
  #socket: Socket | undefined;
  #connecting = false;
  #pauseMs = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor({ path, onError = () => undefined }: SharePortOptions) {
    this.#path = path;
    this.#server = new WebdavServer({ shares: () => this.#shares, onError });
  }

  /** Whether a program in the guest has the port open, so that folders can be reached there. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** A program in the guest has opened the port or closed it. */
  portChanged(open: boolean): void {
    this.#open = open;
    this.#pauseMs = 0;
    this.#stopWaiting();
    this.#agree();
  }

  /** What is served from now on. When a share is gone or no longer writable, requests that are being answered end. */
  setShares(shares: Shares): void {
    const gone = this.#shares.list.some(
      (old) =>
        !shares.list.some(
          ({ name, path, writable }) =>
            name === old.name && path === old.path && (writable || writable === old.writable),
        ),
    );
    this.#shares = shares;
    // A guest learns of the end of one connection only by the end of all: spice-webdavd takes no other notice.
    if (gone && this.#server.isBusy) this.#socket?.destroy();
    this.#agree();
  }

  close(): void {
    this.#closed.abort();
    this.#open = false;
    this.#agree();
  }

  get #isWanted(): boolean {
    return this.#open && this.#shares.list.length > 0 && !this.#closed.signal.aborted;
  }

  #stopWaiting(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }

  /** Connects or disconnects, as the port and the shares are. */
  #agree(): void {
    if (!this.#isWanted) {
      this.#stopWaiting();
      this.#socket?.destroy();
      return;
    }
    if (this.#socket || this.#connecting || this.#retry) return;
    this.#connecting = true;
    void this.#connect().finally(() => {
      this.#connecting = false;
      this.#agree();
    });
  }

  async #connect(): Promise<void> {
    const limits = { deadlineMs: connectMs, signal: this.#closed.signal };
    const socket = await connectUnix(this.#path, limits).catch(() => undefined);
    if (!socket) {
      this.#later();
      return;
    }
    const reader = new FrameReader();
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) if (!socket.destroyed) this.#take(socket, frame);
    });
    socket.on('drain', () => this.#resume(socket));
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.#socket = undefined;
      this.#endAll();
      this.#server.forgetLocks();
      if (this.#isWanted) this.#later();
    });
  }

  /** Connects again after a while, if it is wanted then. */
  #later(): void {
    if (this.#retry || this.#closed.signal.aborted) return;
    this.#retry = setTimeout(
      () => {
        this.#retry = undefined;
        this.#agree();
      },
      Math.max(this.#pauseMs, firstPauseMs),
    );
    this.#retry.unref();
  }

  #take(socket: Socket, { client, data }: MuxFrame): void {
    const known = this.#connections.get(client);
    if (data.length === 0) {
      known?.receiveEnd();
      return;
    }
    if (!known && !requestForm.test(data.subarray(0, 24).toString('latin1'))) {
      // Bytes that follow would be misunderstood too.
      this.#pauseMs = Math.min(longestPauseMs, 2 * this.#pauseMs || firstPauseMs);
      socket.destroy();
      return;
    }
    const connection = known ?? this.#begin(socket, client);
    connection.receive(data);
    if (this.#isFull(socket)) socket.pause();
  }

  #begin(socket: Socket, client: bigint): GuestConnection {
    if (this.#connections.size >= maxConnections) this.#giveUpOne();
    const connection: GuestConnection = new GuestConnection({
      send: (data, done) => {
        if (socket.destroyed) done(new Error('The port is closed.'));
        else socket.write(encodeFrames(client, data), done);
      },
      end: () => {
        if (this.#connections.get(client) === connection) this.#connections.delete(client);
        if (!socket.destroyed) socket.write(encodeEnd(client));
      },
      onRead: () => this.#resume(socket),
    });
    this.#connections.set(client, connection);
    this.#server.serve(connection);
    return connection;
  }

  /** Whether the guest must wait: it sends faster than it is served, or does not read. */
  #isFull(socket: Socket): boolean {
    if (socket.writableLength > maxUnsentBytes) return true;
    return [...this.#connections.values()].some(({ isFull }) => isFull);
  }

  #resume(socket: Socket): void {
    if (socket.isPaused() && !this.#isFull(socket)) socket.resume();
  }

  #giveUpOne(): void {
    const [oldest] = [...this.#connections.values()].sort((a, b) => a.usedAt - b.usedAt);
    oldest?.destroy();
  }

  #endAll(): void {
    for (const connection of this.#connections.values()) connection.destroy();
    this.#connections.clear();
  }
}
