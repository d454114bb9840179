import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { MachineDetails } from '../../src/api/machine.ts';
import { addressOf, gatewayOf } from '../../test/support/guest-network.ts';
import { Guest } from '../../test/support/guest.ts';
import type { TestHome } from '../../test/support/home.ts';
import type { BenchContext } from '../support/bench.ts';
import { startSettled, tiny } from '../support/guests.ts';
import { Monitor } from '../support/monitor.ts';
import { guestTools } from './tools.ts';

/** How frames get from a guest to the other side. */
export type Path = 'kame' | 'user' | 'stream';

/** The adapters of QEMU that are plugged into the guests beside that of Kame: their slots are the last byte of their MACs. */
const slots = { user: 1, streamServer: 2, streamClient: 3 } as const;
const hostPort = 7100;
/** A server whose client has come to a halt is free for the next one after these milliseconds, not after two minutes. */
const patience = ['--rcv-timeout', '4000'];
export const guestPort = 7200;
/** Where a guest accepts connections and ends them at once. */
export const acceptPort = 7300;

/** An address of this host that is not its loopback interface, which guests on vmnet8 do not reach. */
function hostAddress(): string {
  const found = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === 'IPv4' && !each.internal)?.address;
  if (found === undefined) throw new Error('This host has no address but those of its loopback interface.');
  return found;
}

async function listen(server: Server, host: string): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}

/** Two tiny guests with the adapter of Kame and those of QEMU, with iperf3 in them and on this host. */
export class NetworkLab implements AsyncDisposable {
  readonly host = hostAddress();
  readonly one: Guest;
  readonly two: Guest;
  readonly #home: TestHome;
  readonly #children: ChildProcess[] = [];
  readonly #servers: Server[] = [];
  /** The router by which `one` reaches this host, and the device; and the address of `two`. */
  readonly #routes = new Map<Path, { router: string; device: string }>();
  readonly #targets = new Map<Path, string>();
  #acceptPort = 0;
  #mtu = 0;
  #route: Path | null = null;

  private constructor(home: TestHome) {
    this.#home = home;
    this.one = new Guest(home, 'one');
    this.two = new Guest(home, 'two');
  }

  static async open(home: TestHome, { say, signal }: BenchContext): Promise<NetworkLab> {
    const lab = new NetworkLab(home);
    try {
      await tiny.create(home, 'one', say);
      say('programs for the guests');
      const tools = await guestTools(signal);
      await home.json('network', 'set', 'vmnet8', '--mtu', '9000');
      await startSettled(home, tiny, 'one');
      await lab.#install(tools);
      await home.json('clone', 'one', 'two', '--instant');
      await lab.#plugAll();
      await lab.#serve();
      return lab;
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The address at which `one` reaches this host or `two`, by that path from now on. */
  async target(path: Path, to: 'host' | 'guest'): Promise<string> {
    if (to === 'guest') return this.#targets.get(path) ?? '';
    const { router, device } = this.#routes.get(path) ?? { router: '', device: '' };
    if (path !== this.#route)
      await this.one.sh(`ip route replace ${this.host}/32 via ${router} dev ${device}`);
    this.#route = path;
    return this.host;
  }

  /** The port of the host that accepts connections and ends them. */
  get acceptPort(): number {
    return this.#acceptPort;
  }

  get iperfPort(): number {
    return hostPort;
  }

  async setMtu(mtu: number): Promise<void> {
    if (mtu === this.#mtu) return;
    this.#mtu = mtu;
    for (const guest of [this.one, this.two])
      await guest.sh(`for nic in /sys/class/net/eth*; do ip link set "\${nic##*/}" mtu ${mtu}; done`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) server.close();
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill();
      await once(child, 'exit');
    }
  }

  async #install(archive: Buffer): Promise<void> {
    await addressOf(this.one);
    const server = createServer((_request, response) => response.end(archive));
    this.#servers.push(server);
    const port = await listen(server, this.host);
    await this.one.sh(`wget -q -O - http://${this.host}:${port}/ | (cd / && cpio -id 2>/dev/null)`);
    // Where there is such a file, the guest starts no DHCP client, which would take away the addresses that #plug gives it.
    await this.one.sh('for number in 1 2 3 4; do touch "/run/udhcpc.eth$number.pid"; done');
  }

  async #plugAll(): Promise<void> {
    this.#routes.set('kame', { router: await gatewayOf(this.one), device: 'eth0' });
    this.#targets.set('kame', await addressOf(this.two));
    const user = { type: 'user', net: '10.77.1.0/24' };
    this.#routes.set('user', {
      router: '10.77.1.2',
      device: await this.#plug(this.one, slots.user, user, '10.77.1.15/24'),
    });
    const addr = { type: 'unix', path: join(this.#home.path, 'direct') };
    await this.#plug(this.two, slots.streamServer, { type: 'stream', server: true, addr }, '10.77.2.2/24');
    await this.#plug(this.one, slots.streamClient, { type: 'stream', server: false, addr }, '10.77.2.1/24');
    this.#targets.set('stream', '10.77.2.2');
  }

  /** Plugs an adapter with a backend of QEMU into a running guest. @returns its device in the guest */
  async #plug(guest: Guest, slot: number, backend: object, address: string): Promise<string> {
    const { sockets } = await this.#home.json<MachineDetails>('show', guest.name);
    if (!sockets) throw new Error(`${guest.name} does not run.`);
    using monitor = await Monitor.open(sockets.monitor);
    const [netdev, mac] = [`bench-${slot}`, `52:54:00:be:00:0${slot}`];
    await monitor.execute('netdev_add', { id: netdev, ...backend });
    const bus = `port${slot - 1}`;
    await monitor.execute('device_add', {
      driver: 'virtio-net-pci',
      id: `bench-nic-${slot}`,
      netdev,
      bus,
      mac,
      romfile: '',
    });
    const find = `until grep -l ${mac} /sys/class/net/*/address 2>/dev/null; do usleep 50000; done`;
    const device = (await guest.sh(find)).trim().split('/')[4] ?? '';
    await guest.sh(`ip link set ${device} up; ip addr add ${address} dev ${device}`);
    return device;
  }

  async #serve(): Promise<void> {
    const iperf = spawn('iperf3', ['--server', '--port', String(hostPort), ...patience], { stdio: 'ignore' });
    this.#children.push(iperf);
    const accept = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.end();
    });
    this.#servers.push(accept);
    this.#acceptPort = await listen(accept, this.host);
    const perl = `use Socket; socket(S, PF_INET, SOCK_STREAM, 0); setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1);
      bind(S, sockaddr_in(${acceptPort}, INADDR_ANY)); listen(S, 128); while (accept(C, S)) { close(C) }`;
    await this.two.sh(`iperf3 --server --daemon --port ${guestPort} ${patience.join(' ')}
perl -e '${perl}' </dev/null >/dev/null 2>&1 &`);
  }
}
