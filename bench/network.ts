import { createServer, type AddressInfo, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { deferred } from '../src/core/deferred.ts';
import type { MachineDetails } from '../src/api/machine.ts';
import { addressOf } from '../test/support/guest-network.ts';
import { Guest } from '../test/support/guest.ts';
import type { TestHome } from '../test/support/home.ts';
import { alternate, type Bench } from './support/bench.ts';
import { tiny, startSettled } from './support/guests.ts';
import { benchHome } from './support/kame.ts';
import { Monitor } from './support/monitor.ts';
import type { Series } from './support/result.ts';

/** Bytes of one run: a few seconds under emulation. */
const megabytes = 64;
const kinds = {
  kameOut: 'guest to host, through vmnet8',
  userOut: 'guest to host, -netdev user',
  kameGuests: 'guest to guest, through vmnet8',
  directGuests: 'guest to guest, -netdev stream',
} as const;

/** An address of this host that is not its loopback interface, which guests on vmnet8 do not reach. */
function hostAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === 'IPv4' && !each.internal)?.address;
}

/** Takes what one connection sends, and times it from the first byte to the last. */
class Sink implements Disposable {
  readonly #server: Server;
  #next = deferred<number>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      let [bytes, started] = [0, 0];
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        if (bytes === 0) started = performance.now();
        bytes += chunk.length;
      });
      socket.on('end', () => this.#next.resolve((bytes * 8) / (performance.now() - started) / 1e6));
    });
  }

  static async open(host: string): Promise<Sink> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    return new Sink(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Has `send` send something here. @returns Gbit/s */
  async measure(send: () => Promise<unknown>): Promise<number> {
    this.#next = deferred<number>();
    await send();
    return await this.#next.promise;
  }

  [Symbol.dispose](): void {
    this.#server.close();
  }
}

async function monitorOf(home: TestHome, machine: string): Promise<Monitor> {
  const { sockets } = await home.json<MachineDetails>('show', machine);
  if (!sockets) throw new Error(`${machine} does not run.`);
  return await Monitor.open(sockets.monitor);
}

/** Plugs an adapter with a backend of QEMU into a running guest, and gives it an address there. */
async function plug(
  home: TestHome,
  guest: Guest,
  id: string,
  backend: object,
  address: string,
): Promise<void> {
  using monitor = await monitorOf(home, guest.name);
  await monitor.execute('netdev_add', { id: `bench-${id}`, ...backend });
  const mac = `52:54:00:be:${id}`;
  const bus = `port${Number(id.slice(-1))}`;
  await monitor.execute('device_add', {
    driver: 'virtio-net-pci',
    id: `bench-nic-${id.replace(':', '-')}`,
    netdev: `bench-${id}`,
    bus,
    mac,
    romfile: '',
  });
  await guest.sh(`until grep -l ${mac} /sys/class/net/*/address >/tmp/nic 2>/dev/null; do usleep 50000; done
device=$(cut -d/ -f5 /tmp/nic); ip link set "$device" up; ip addr add ${address} dev "$device"; ln -sf "$device" /tmp/device-${id.replace(':', '-')}`);
}

async function measure(context: Parameters<Bench['run']>[0]): Promise<Record<string, number[]>> {
  await using home = await benchHome();
  const outside = hostAddress();
  if (outside === undefined) throw new Error('This host has no address but its loopback interface.');
  await tiny.create(home, 'one', context.say);
  await startSettled(home, tiny, 'one');
  const one = new Guest(home, 'one');
  await home.json('clone', 'one', 'two', '--instant');
  const two = new Guest(home, 'two');
  await addressOf(one);
  const twoAddress = await addressOf(two);
  const link = join(home.path, 'direct');
  await plug(home, one, '00:01', { type: 'user', net: '10.77.1.0/24' }, '10.77.1.15/24');
  const unix = { type: 'unix', path: link };
  await plug(home, two, '00:02', { type: 'stream', server: true, addr: unix }, '10.77.2.2/24');
  await plug(home, one, '00:03', { type: 'stream', server: false, addr: unix }, '10.77.2.1/24');
  await two.sh('nc -ll -p 7001 -e /bin/sh -c "cat >/dev/null" </dev/null >/dev/null 2>&1 &');
  const gateway = (
    await one.sh("ip route show default | sed -n 's/default via \\([0-9.]*\\).*/\\1/p'")
  ).trim();
  using sink = await Sink.open('0.0.0.0');
  const send = (target: string, port: number) =>
    `dd if=/dev/zero bs=64k count=${megabytes * 16} 2>/dev/null | nc ${target} ${port}`;
  const out = async (via: string, device: string) => {
    await one.sh(`ip route replace ${outside}/32 via ${via} dev ${device}`);
    return await sink.measure(async () => await one.sh(send(outside, sink.port)));
  };
  const between = async (target: string) => {
    const started = performance.now();
    await one.sh(send(target, 7001));
    return (megabytes * 1024 * 1024 * 8) / (performance.now() - started) / 1e6;
  };
  return await alternate(
    {
      [kinds.kameOut]: async () => await out(gateway, 'eth0'),
      [kinds.userOut]: async () => await out('10.77.1.2', '$(readlink /tmp/device-00-01)'),
      [kinds.kameGuests]: async () => await between(twoAddress),
      [kinds.directGuests]: async () => await between('10.77.2.2'),
    },
    context.runs ?? 5,
    context,
  );
}

/** Measures what the switch and the NAT of a network cost, against QEMU's own backends in the same guests. */
export const network: Bench = {
  name: 'network',
  about: 'TCP of tiny guests through a NAT network, against -netdev user and -netdev stream',
  async run(context) {
    const samples = await measure(context);
    const series = (name: string, to?: string, value = 1): Series => ({
      name,
      unit: 'Gbit/s',
      samples: samples[name] ?? [],
      ...(to === undefined ? {} : { ratio: { to }, bar: { of: 'ratio', at: 'least', value } }),
    });
    return {
      bench: 'network',
      title: `TCP, ${megabytes} MiB a run, MTU 1500`,
      series: [
        series(kinds.userOut),
        series(kinds.kameOut, kinds.userOut, 0.9),
        series(kinds.directGuests),
        series(kinds.kameGuests, kinds.directGuests),
      ],
      notes: ['`dd | nc` in one guest; the adapters of QEMU are plugged into the same guests.'],
    };
  },
};
