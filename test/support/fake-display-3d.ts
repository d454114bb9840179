import { createServer, type Socket } from 'node:net';

/** What a fake display does otherwise than one that works. */
export interface Display3dOptions {
  readonly arch?: 'aarch64' | 'x86_64';
  readonly renderer?: string;
  readonly glslLevel?: number;
  /** Its sets of capabilities: 1 and 2 are of virgl, 4 of Venus. */
  readonly capsets?: readonly number[];
  /** The bytes of the set of virgl. */
  readonly capsetBytes?: number;
  /** Whether it has the feature for 3D. */
  readonly has3d?: boolean;
  /** What is in the slot instead: nothing. */
  readonly isMissing?: boolean;
  /** The commands that it refuses. */
  readonly refuses?: readonly number[];
  /** The commands that it never answers. */
  readonly ignores?: readonly number[];
  /** The pixels that it renders: blue, green, red, alpha. */
  readonly pixel?: readonly number[];
  /** What is said instead of an answer to the first line. */
  readonly says?: string;
}

const ramBytes = 0x4_0000;
const bases = {
  aarch64: { ram: 0x4010_0000, registers: 0x2000_0000 },
  x86_64: { ram: 0x10_0000, registers: 0xf000_0000 },
} as const;
const slotConfig = 0x40_1001_0000;
const notifyAt = 0x3000;
/** The registers of the queue, and where it has been told to write to. */
const [featureSelect, feature, queueUsed] = [0, 4, 48];
/** The answers to commands: done, information on a set, the set. */
const answers = { done: 0x1100, capsetInfo: 0x1102, capset: 0x1103, refused: 0x1200 } as const;

/** The configuration of a virtio device: two capabilities, both in the BAR 4 of 64 bits. */
function configOf(isMissing: boolean): Buffer {
  const config = Buffer.alloc(256);
  if (isMissing) return config.fill(0xff);
  config.writeUInt32LE(0x1050_1af4, 0);
  config.writeUInt32LE(0xc, 0x20);
  config.writeUInt8(0x40, 0x34);
  for (const [at, next, kind, offset] of [
    [0x40, 0x60, 1, 0],
    [0x60, 0, 2, notifyAt],
  ] as const) {
    config.set([0x09, next, 20, kind, 4], at);
    config.writeUInt32LE(offset, at + 8);
    config.writeUInt32LE(4, at + 16);
  }
  return config;
}

/**
 * A virtio display with 3D, and the memory beside it, as QEMU shows them by its protocol for tests of devices. Commands that make
 * things are only remembered; what is read back afterwards is the colour that it was told to fill with.
 */
export class FakeDisplay3d implements AsyncDisposable {
  /** The types of the commands that came. */
  readonly commands: number[] = [];
  readonly #options: Display3dOptions;
  readonly #ram = Buffer.alloc(ramBytes);
  readonly #registers = Buffer.alloc(64);
  readonly #config: Buffer;
  readonly #bases: { readonly ram: number; readonly registers: number };
  readonly #sockets = new Set<Socket>();
  #port = 0;
  #backing = 0;
  #close: () => Promise<void> = () => Promise.resolve();

  private constructor(options: Display3dOptions) {
    this.#options = options;
    this.#config = configOf(options.isMissing ?? false);
    this.#bases = bases[options.arch ?? 'aarch64'];
  }

  static async listen(path: string, options: Display3dOptions = {}): Promise<FakeDisplay3d> {
    const display = new FakeDisplay3d(options);
    const server = createServer((socket) => {
      display.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      let text = options.says === undefined ? undefined : `${options.says}\n`;
      let rest = '';
      socket.on('data', (data: Buffer) => {
        const lines = (rest + data.toString('latin1')).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          socket.write(text ?? `${display.#answer(line)}\n`);
          text = undefined;
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    display.#close = async () => {
      for (const socket of display.#sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    };
    return display;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  /** Ends, as an engine that crashes. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #answer(line: string): string {
    const [verb = '', ...words] = line.split(' ');
    const [address = 0, value = 0] = words.map(Number);
    if (verb === 'outl') return this.#writePort(address, value);
    if (verb === 'inl') return `OK 0x${this.#config.readUInt32LE(this.#port & 0xff).toString(16)}`;
    if (verb === 'read') return `OK 0x${this.#memory(address, value).toString('hex')}`;
    if (verb === 'write') {
      Buffer.from((words[2] ?? '').slice(2), 'hex').copy(this.#memory(address, value));
      return 'OK';
    }
    const width = { b: 1, w: 2, l: 4, q: 8 }[verb.at(-1) ?? ''] ?? 0;
    if (verb.startsWith('read')) return `OK 0x${this.#read(address, width).toString(16)}`;
    if (!verb.startsWith('write')) return `FAIL Unknown command '${verb}'`;
    this.#write(address, width, value);
    return 'OK';
  }

  #writePort(port: number, value: number): string {
    if (port === 0xcf8) this.#port = value;
    else this.#config.writeUInt32LE(value, this.#port & 0xff);
    return 'OK';
  }

  /** The bytes that an address is of: of RAM, of the configuration, or of the registers. */
  #memory(address: number, bytes: number): Buffer {
    const { ram, registers } = this.#bases;
    for (const [base, content] of [
      [ram, this.#ram],
      [slotConfig, this.#config],
      [registers, this.#registers],
    ] as const) {
      if (address >= base && address + bytes <= base + content.length)
        return content.subarray(address - base, address - base + bytes);
    }
    return Buffer.alloc(bytes);
  }

  #read(address: number, width: number): number {
    if (address === this.#bases.registers + feature) {
      const isFirst = this.#registers.readUInt32LE(featureSelect) === 0;
      return isFirst && (this.#options.has3d ?? true) ? 1 : 0;
    }
    return this.#memory(address, width).readUIntLE(0, Math.min(width, 6));
  }

  #write(address: number, width: number, value: number): void {
    if (address === this.#bases.registers + notifyAt) this.#serve();
    else this.#memory(address, width).writeUIntLE(value, 0, Math.min(width, 6));
  }

  #serve(): void {
    const queue = (at: number) => Number(this.#registers.readBigUInt64LE(at)) - this.#bases.ram;
    const table = this.#ram.subarray(queue(32));
    const part = (at: number) => this.#memory(Number(table.readBigUInt64LE(at)), table.readUInt32LE(at + 8));
    const [request, response] = [part(0), part(16)];
    const type = request.readUInt32LE(0);
    this.commands.push(type);
    if (this.#options.ignores?.includes(type)) return;
    response.fill(0);
    response.writeUInt32LE(
      this.#options.refuses?.includes(type)
        ? answers.refused
        : this.#respond(type, request, response.subarray(24)),
      0,
    );
    const used = queue(queueUsed) + 2;
    this.#ram.writeUInt16LE((this.#ram.readUInt16LE(used) + 1) & 0xffff, used);
  }

  #respond(type: number, request: Buffer, body: Buffer): number {
    const {
      capsets = [1, 2],
      capsetBytes = 1376,
      renderer = 'a fake',
      glslLevel = 450,
      pixel,
    } = this.#options;
    const word = (at: number) => request.readUInt32LE(24 + at);
    if (type === 0x0108) {
      const id = capsets[word(0)];
      if (id !== undefined)
        for (const [index, value] of [id, 1, capsetBytes].entries()) body.writeUInt32LE(value, index * 4);
      return answers.capsetInfo;
    }
    if (type === 0x0109) {
      if (body.length >= 760) {
        body.writeUInt32LE(glslLevel, 264);
        body.write(renderer, 696, 64, 'latin1');
      }
      return answers.capset;
    }
    if (type === 0x0106) this.#backing = word(8);
    if (type === 0x0206) {
      const pixels = this.#memory(this.#backing, 256);
      pixels.fill(Buffer.from(pixel ?? [153, 102, 51, 255]));
    }
    return answers.done;
  }
}
