import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { poll } from '../src/core/deadline.ts';
import { noShape } from '../src/model/link-shape.ts';
import { SwitchClient } from '../src/network/switch-client.ts';
import type { SwitchConfig } from '../src/network/switch-config.ts';
import { builtIn } from '../test/support/home.ts';
import { alternate, type Bench } from './support/bench.ts';

const program = join(builtIn, 'network-switch.mjs');
const limits = { deadlineMs: 10_000 };
const macs = ['52:54:00:00:00:01', '52:54:00:00:00:02'] as const;
/** Bytes that may be on the way: the switch drops what its receiver does not take, if more than 1 MiB waits. */
const window = 512 * 1024;
/** Bytes that are sent in one run, so that it takes about a second. */
const runBytes = 1024 ** 3;

/** An adapter without an engine: it accepts the switch, and counts what comes. */
class FakeAdapter implements Disposable {
  readonly path: string;
  readonly #server: Server;
  readonly connected: Promise<Socket>;
  #received = 0;
  #wanted = { bytes: 0, reached: () => undefined as void };

  constructor(path: string) {
    this.path = path;
    this.#server = createServer();
    this.connected = once(this.#server, 'connection').then(([socket]) => {
      const connection = socket as Socket;
      connection.on('data', (chunk: Buffer) => {
        this.#received += chunk.length;
        if (this.#received >= this.#wanted.bytes) this.#wanted.reached();
      });
      return connection;
    });
    this.#server.listen(path);
  }

  get received(): number {
    return this.#received;
  }

  /** Waits until so many bytes have come since the start. */
  async reached(bytes: number): Promise<void> {
    if (this.#received >= bytes) return;
    await new Promise<void>((resolve) => (this.#wanted = { bytes, reached: resolve }));
  }

  [Symbol.dispose](): void {
    this.#server.close();
    void this.connected.then((socket) => socket.destroy());
  }
}

/** A chunk of equal frames from the first adapter to the second, as the engine sends them. */
function framesOf(mtu: number): Buffer {
  const frame = Buffer.alloc(4 + 14 + mtu);
  frame.writeUInt32BE(14 + mtu);
  frame.set(
    macs.toReversed().flatMap((mac) => mac.split(':').map((byte) => Number.parseInt(byte, 16))),
    4,
  );
  // A protocol that is reserved for experiments.
  frame.writeUInt16BE(0x88b5, 16);
  return Buffer.concat(Array.from({ length: Math.ceil((256 * 1024) / frame.length) }, () => frame));
}

function configOf(mtu: number, adapters: readonly FakeAdapter[]): SwitchConfig {
  const ports = adapters.map(({ path }, index) => {
    const mac = macs[index] ?? '';
    return { id: `run/${index}`, socket: path, mac, machine: `bench-${index}`, shape: noShape };
  });
  return { network: 'bench', mtu, services: null, uplink: null, hosts: [], ports };
}

/** Configures the switch, and waits until it has connected to the adapters. */
async function configure(client: SwitchClient, config: SwitchConfig): Promise<void> {
  await client.configure(config, limits);
  const connected = async () =>
    (await client.status(limits)).ports.every((port) => port.connected) || undefined;
  if (!(await poll(connected, limits))) throw new Error('The switch does not connect.');
}

/** Sends frames through the switch. @returns bits, with the headers, a nanosecond: Gbit/s */
async function pump(from: Socket, to: FakeAdapter, chunk: Buffer): Promise<number> {
  const begin = to.received;
  const total = Math.ceil(runBytes / chunk.length) * chunk.length;
  const started = performance.now();
  for (let sent = 0; sent < total; sent += chunk.length) {
    await to.reached(begin + sent - window);
    from.write(chunk);
  }
  await to.reached(begin + total);
  return (total * 8) / (performance.now() - started) / 1e6;
}

/** Starts the switch with two adapters, and measures how fast frames of one size get through. */
async function measure(mtu: number): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'kame-switch-'));
  const child = spawn(process.execPath, [program, join(directory, 'control')], { stdio: 'inherit' });
  try {
    using from = new FakeAdapter(join(directory, 'net0'));
    using to = new FakeAdapter(join(directory, 'net1'));
    using client = await SwitchClient.open(join(directory, 'control'), 'bench', limits);
    await configure(client, configOf(mtu, [from, to]));
    return await pump(await from.connected, to, framesOf(mtu));
  } finally {
    child.kill();
    rmSync(directory, { recursive: true });
  }
}

const sizes = [1500, 9000] as const;

/** Measures the switch process alone: without guests, and with adapters that do nothing but send and count. */
export const networkSwitch: Bench = {
  name: 'switch',
  about: 'frames between two adapters through the switch of a network',
  missing: () => (existsSync(program) ? null : `${program} does not exist; run \`npm run build\``),
  async run(context) {
    const kinds = Object.fromEntries(sizes.map((mtu) => [`MTU ${mtu}`, () => measure(mtu)]));
    const samples = await alternate(kinds, context.runs ?? 5, context);
    return {
      bench: 'switch',
      title: 'throughput of the switch, one direction',
      series: sizes.flatMap((mtu) => {
        const gbits = samples[`MTU ${mtu}`] ?? [];
        const frames = gbits.map((gbit) => Math.round((gbit * 1e9) / 8 / (mtu + 18)));
        return [
          { name: `MTU ${mtu}`, unit: 'Gbit/s', samples: gbits },
          { name: `MTU ${mtu}, frames a second`, unit: '', samples: frames },
        ] as const;
      }),
      notes: ['The adapters share one process, which takes about as much time as the switch.'],
    };
  },
};
