import { createServer, type Socket } from 'node:net';
import { deferred } from '../../src/core/deferred.ts';

/** Numbers of `spice/vd_agent.h`, written down again: the fake must not share an error with the program. */
export const vd = {
  monitors: 2,
  reply: 3,
  clipboard: 4,
  caps: 6,
  grab: 7,
  request: 8,
  release: 9,
  start: 10,
  status: 11,
  file: 12,
  max: 14,
};
export const bits = {
  monitors: 1,
  reply: 2,
  demand: 5,
  selection: 6,
  lf: 8,
  crlf: 9,
  max: 10,
  filesDisabled: 13,
  regrab: 16,
  serial: 17,
};
export const usualBits = [
  bits.monitors,
  bits.reply,
  bits.demand,
  bits.selection,
  bits.lf,
  bits.max,
  bits.regrab,
  bits.serial,
];
export const windowsBits = [bits.monitors, bits.reply, bits.demand, bits.crlf];

export function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, 4 * index);
  return bytes;
}

/** A message as a guest sends it: in one chunk. */
export function packed(type: number, data: Buffer, port = 1): Buffer {
  return Buffer.concat([words(port, 20 + data.length), words(1, type, 0, 0, data.length), data]);
}

interface Received {
  readonly type: number;
  readonly data: Buffer;
}

export interface FakeVdagentOptions {
  readonly capabilities?: readonly number[];
  /** Answers nothing at all. */
  readonly silent?: boolean;
  /** What it says of a file instead of taking it: the number of a status. */
  readonly refusesFiles?: number;
}

/** spice-vdagentd in a guest, with the socket on which QEMU listens for its port. */
export class FakeVdagent implements AsyncDisposable {
  readonly path: string;
  /** Messages of the host, in order. */
  readonly received: Received[] = [];
  /** The kinds that the host offers. */
  hostKinds: readonly number[] = [];
  /** What the guest has copied, by kind. */
  content = new Map<number, Buffer>();
  /** Grabs of the host that had a wrong number. */
  refusedGrabs = 0;
  connections = 0;
  largestChunk = 0;
  readonly #has: ReadonlySet<number>;
  readonly #silent: boolean;
  readonly #refusesFiles: number | undefined;
  /** The files that the host has sent, by name. */
  readonly files = new Map<string, Buffer>();
  #file = { id: 0, name: '', size: 0, data: Buffer.alloc(0) };
  #serial = 0;
  #socket: Socket | undefined;
  #input = Buffer.alloc(0);
  #message = Buffer.alloc(0);
  #wake = deferred();
  #close: () => Promise<void> = () => Promise.resolve();

  private constructor(
    path: string,
    { capabilities = usualBits, silent = false, refusesFiles }: FakeVdagentOptions,
  ) {
    this.path = path;
    this.#has = new Set(capabilities);
    this.#silent = silent;
    this.#refusesFiles = refusesFiles;
  }

  static async listen(path: string, options: FakeVdagentOptions = {}): Promise<FakeVdagent> {
    const agent = new FakeVdagent(path, options);
    const server = createServer((socket) => agent.#accept(socket));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    agent.#close = async () => {
      agent.#socket?.destroy();
      await new Promise((resolve) => server.close(resolve));
    };
    return agent;
  }

  /** Waits until the condition holds after a message, a connection or an end of one. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      this.#wake = deferred();
      await this.#wake.promise;
    }
  }

  /** How many messages of a type have come. */
  count(type: number): number {
    return this.received.filter((each) => each.type === type).length;
  }

  get connected(): boolean {
    return this.#socket !== undefined;
  }

  raw(data: Buffer): void {
    this.#socket?.write(data);
  }

  send(type: number, data: Buffer): void {
    this.raw(packed(type, data));
  }

  /** Announces what the agent can, as it does when it starts. */
  announce(request: boolean): void {
    const capabilities = [...this.#has].reduce((sum, bit) => sum + 2 ** bit, 0);
    this.send(vd.caps, words(request ? 1 : 0, capabilities));
  }

  #selection(which = 0): Buffer {
    return this.#has.has(bits.selection) ? Buffer.from([which, 0, 0, 0]) : Buffer.alloc(0);
  }

  /** A program in the guest copies something. */
  copy(content: Readonly<Record<number, Buffer | string>>, selection = 0): void {
    this.content = new Map(Object.entries(content).map(([kind, data]) => [Number(kind), Buffer.from(data)]));
    const serial = this.#has.has(bits.serial) ? words(this.#serial++) : Buffer.alloc(0);
    this.send(vd.grab, Buffer.concat([this.#selection(selection), serial, words(...this.content.keys())]));
    this.hostKinds = [];
  }

  /** The program ends. */
  release(): void {
    this.content.clear();
    this.send(vd.release, Buffer.from([0]));
  }

  /** Asks for the content of the host; the kind and the content of the answer. */
  async paste(kind: number): Promise<{ kind: number; data: Buffer }> {
    const before = this.count(vd.clipboard);
    this.send(vd.request, Buffer.concat([this.#selection(), words(kind)]));
    await this.until(() => this.count(vd.clipboard) > before);
    const answer = this.received.filter(({ type }) => type === vd.clipboard)[before]?.data ?? Buffer.alloc(0);
    const at = this.#selection().length;
    return { kind: answer.readUInt32LE(at), data: answer.subarray(at + 4) };
  }

  /** Reads nothing more, or again. */
  stall(stalls: boolean): void {
    if (stalls) this.#socket?.pause();
    else this.#socket?.resume();
  }

  hangUp(): void {
    this.#socket?.destroy();
  }

  #accept(socket: Socket): void {
    this.#socket = socket;
    this.#input = Buffer.alloc(0);
    this.#message = Buffer.alloc(0);
    this.connections += 1;
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = undefined;
      this.#wake.resolve();
    });
    socket.on('data', (data: Buffer) => this.#feed(data));
    this.#wake.resolve();
  }

  #feed(data: Buffer): void {
    this.#input = Buffer.concat([this.#input, data]);
    while (this.#input.length >= 8) {
      const size = this.#input.readUInt32LE(4);
      if (this.#input.length < 8 + size) break;
      this.largestChunk = Math.max(this.largestChunk, size);
      this.#message = Buffer.concat([this.#message, this.#input.subarray(8, 8 + size)]);
      this.#input = this.#input.subarray(8 + size);
      if (this.#message.length < 20 || this.#message.length < 20 + this.#message.readUInt32LE(16)) continue;
      const message = { type: this.#message.readUInt32LE(4), data: this.#message.subarray(20) };
      this.#message = Buffer.alloc(0);
      if (!this.#silent) this.#obey(message);
      this.received.push(message);
    }
    this.#wake.resolve();
  }

  #obey({ type, data }: Received): void {
    const at = this.#selection().length;
    if (type === vd.caps && data.readUInt32LE(0) === 1) {
      this.#serial = 0;
      this.announce(false);
    } else if (type === vd.grab) {
      const serial = this.#has.has(bits.serial) ? data.readUInt32LE(at) : this.#serial;
      if (serial !== this.#serial) {
        this.refusedGrabs += 1;
        return;
      }
      this.#serial += 1;
      const first = at + (this.#has.has(bits.serial) ? 4 : 0);
      this.hostKinds = Array.from({ length: (data.length - first) / 4 }, (_, index) =>
        data.readUInt32LE(first + 4 * index),
      );
    } else if (type === vd.request) {
      const kind = data.readUInt32LE(at);
      const content = this.content.get(kind);
      this.send(
        vd.clipboard,
        Buffer.concat([this.#selection(), words(content ? kind : 0), content ?? Buffer.alloc(0)]),
      );
    } else if (type === vd.monitors) this.send(vd.reply, words(vd.monitors, 1));
    else if (type === vd.start) this.#startFile(data);
    else if (type === vd.file) this.#takeFile(data);
  }

  #startFile(data: Buffer): void {
    const text = data.toString('utf8', 4);
    const [, name = '', size = '0'] = /^\[vdagent-file-xfer\]\nname=(.*)\nsize=(\d+)\n\0$/.exec(text) ?? [];
    this.#file = { id: data.readUInt32LE(0), name, size: Number(size), data: Buffer.alloc(0) };
    this.send(vd.status, words(this.#file.id, this.#refusesFiles ?? 0));
  }

  #takeFile(data: Buffer): void {
    const file = this.#file;
    if (data.readUInt32LE(0) !== file.id || Number(data.readBigUInt64LE(4)) !== data.length - 12) return;
    file.data = Buffer.concat([file.data, data.subarray(12)]);
    if (file.data.length < file.size) return;
    this.files.set(file.name, file.data);
    this.send(vd.status, words(file.id, 3));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}
