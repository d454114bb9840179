import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { poll } from '../../src/core/deadline.ts';
import { PluggedSwitch } from '../../src/network/plugged-switch.ts';
import type { DropReason, SwitchConfig, SwitchUplink } from '../../src/network/switch-config.ts';
import { findEngine } from '../../src/qemu/capabilities/find-engine.ts';
import { NatMonitor } from '../../src/qemu/network/nat-monitor.ts';
import { natPlan } from '../../src/qemu/network/nat-plan.ts';
import { FakeGuest } from '../support/fake-guest.ts';
import { dnsQuestion } from '../support/frames.ts';
import * as world from '../support/switch-world.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

const { gatewayMac, nameServerMac, routerMac6, nameServerMac6, macA, services } = world;
const makeDirectory = useTemporaryDirectory();
const addresses = { mac: macA, ipv4: '192.168.77.10', ipv6: 'fd12:3456:789a:8::a' };

const search = { env: process.env, os: process.platform === 'darwin' ? 'darwin' : 'linux' } as const;

interface NatOptions {
  readonly uplink?: Partial<SwitchUplink>;
  /** The file that guests boot. */
  readonly boot?: string | null;
}

interface TestServer extends AsyncDisposable {
  readonly port: number;
  /** Connections and datagrams so far. */
  readonly reached: () => number;
}

/** A server of the host, over TCP and UDP on the same port, which says who it is. */
async function serve(host: string): Promise<TestServer> {
  let reached = 0;
  const tcp = createServer((socket) => {
    reached += 1;
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write(`I am ${host}`));
  });
  tcp.listen(0, host);
  await once(tcp, 'listening');
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  udp.on('message', (_data, { port: to, address }) => {
    reached += 1;
    udp.send(`I am ${host}`, to, address);
  });
  udp.bind(port, host);
  await once(udp, 'listening');
  return {
    port,
    reached: () => reached,
    [Symbol.asyncDispose]: async () => {
      udp.close();
      tcp.close();
    },
  };
}

async function freePort(): Promise<number> {
  await using server = await serve('127.0.0.1');
  return server.port;
}

/** The address of this host that is not its loopback interface; undefined if it has none of that family. */
function outsideAddress(family: 'IPv4' | 'IPv6'): string | undefined {
  return Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === family && !each.internal && !each.address.startsWith('fe80'))?.address;
}

/** A guest on a network with the real NAT process. */
class NatWorld implements AsyncDisposable {
  readonly guest: FakeGuest;
  readonly switch = new PluggedSwitch();
  readonly #plan: ReturnType<typeof natPlan>;
  readonly #config: SwitchConfig;
  readonly #children: ChildProcess[] = [];

  constructor(directory: string, binary: string, { uplink = {}, boot = null }: NatOptions) {
    this.guest = new FakeGuest(join(directory, 'net0'), addresses);
    const { gateway, nameServer, ipv6Prefix } = services;
    this.#plan = natPlan({
      binary,
      sandbox: false,
      os: process.platform === 'darwin' ? 'darwin' : 'linux',
      subnet: '192.168.77.0/24',
      gateway,
      nameServer,
      ipv6Prefix,
      outbound: uplink.outbound ?? true,
      bootDirectory: boot === null ? null : dirname(boot),
      directory,
    });
    const socket = this.guest.adapter.path;
    const ports = [world.portOf('a', macA, { socket })];
    this.#config = world.natConfig({
      ports,
      services: { ...services, bootFile: boot === null ? null : basename(boot) },
      uplink: { ...world.uplink, socket: this.#plan.uplink, ...uplink },
    });
  }

  async start(): Promise<this> {
    this.#children.push(spawn(this.#plan.binary, this.#plan.args, { stdio: 'inherit' }));
    await this.guest.adapter.listen();
    this.switch.configure(this.#config);
    const ready = async () => {
      const { uplinkConnected, ports } = this.switch.status();
      return (uplinkConnected && ports[0]?.connected) || undefined;
    };
    expect(await poll(ready, { deadlineMs: 20_000, maxStepMs: 20 })).toBe(true);
    return this;
  }

  dropped(reason: DropReason): number {
    return this.switch.status().ports[0]?.dropped[reason] ?? 0;
  }

  async monitor(): Promise<NatMonitor> {
    return await NatMonitor.open(this.#plan.monitor, { deadlineMs: 10_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.switch[Symbol.dispose]();
    await this.guest[Symbol.asyncDispose]();
    for (const child of this.#children) {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
  }
}

async function start(options: NatOptions = {}): Promise<NatWorld> {
  const binary = await findEngine(process.arch === 'arm64' ? 'aarch64' : 'x86_64', search);
  return await new NatWorld(makeDirectory(), binary, options).start();
}

/** Opens a connection to the outside. What slirp had opened before would have been accepted then. */
async function connectOutside(nat: NatWorld): Promise<void> {
  const address = outsideAddress('IPv4');
  if (address === undefined) return;
  await using server = await serve(address);
  await nat.guest.talkTcp({ mac: gatewayMac, address, port: server.port });
}

/** What a program of the host hears over a port of the host. */
async function hear(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const [data] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return data.toString();
}

/** What a program of the host is answered to a datagram. */
async function ask(port: number): Promise<string> {
  const socket = createSocket('udp4');
  socket.send('hello', port, '127.0.0.1');
  const [data] = (await once(socket, 'message')) as [Buffer];
  socket.close();
  return data.toString();
}

describe('the NAT of a network', () => {
  it('reaches the outside over TCP and UDP, IPv4 and IPv6', async () => {
    await using nat = await start();
    for (const [family, mac] of [
      ['IPv4', gatewayMac],
      ['IPv6', routerMac6],
    ] as const) {
      const address = outsideAddress(family);
      if (address === undefined) continue;
      await using server = await serve(address);
      const to = { mac, address, port: server.port };
      expect(await nat.guest.talkTcp(to)).toBe(`I am ${address}`);
      expect(await nat.guest.talkUdp(to)).toBe(`I am ${address}`);
    }
  });

  it('answers the questions of other domains if the host has a name server, and the switch those of its own', async () => {
    await using nat = await start();
    const server = { mac: nameServerMac, address: services.nameServer, port: 53 };
    const own = await nat.guest.talkUdp(server, dnsQuestion({ name: 'b.kame' }));
    expect(Buffer.from(own, 'latin1').subarray(-4).toString('hex')).toBe('c0a84d0b');
    const resolver = new Resolver({ timeout: 2000, tries: 1 });
    const asked: unknown = await resolver.resolve4('example.com').catch((error: unknown) => error);
    if (
      asked instanceof Error &&
      'code' in asked &&
      ['ETIMEOUT', 'ECONNREFUSED'].includes(String(asked.code))
    )
      return;
    const answer = Buffer.from(
      await nat.guest.talkUdp(server, dnsQuestion({ name: 'example.com' })),
      'latin1',
    );
    expect(answer.toString('hex', 0, 2)).toBe('cafe');
  });

  it('cannot reach the loopback interface of the host by any address', async () => {
    await using nat = await start();
    await using server = await serve('127.0.0.1');
    await using server6 = await serve('::1');
    const gateways = [gatewayMac, nameServerMac, routerMac6, nameServerMac6];
    const targets = [
      ...['192.168.77.2', '192.168.77.3', '192.168.77.1', '192.168.77.99', '192.168.77.255', '192.168.77.0'],
      ...['127.0.0.1', '127.1.2.3', '0.0.0.0', '255.255.255.255', '224.0.0.1'],
      ...['fd12:3456:789a:8::2', 'fd12:3456:789a:8::3', 'fd12:3456:789a:8::77', 'fd12:3456:789a:8::'],
      ...[
        'fe80::2',
        'fe80::3',
        'fe80::77',
        'fec0::2',
        'fec0::3',
        '::1',
        '::',
        '::7f00:1',
        '::ffff:7f00:1',
        'ff02::1',
      ],
    ];
    let sent = 0;
    for (const address of targets) {
      for (const mac of gateways) {
        for (const { port } of [server, server6]) {
          nat.guest.openTcp({ mac, address, port });
          nat.guest.sendUdp({ mac, address, port });
          sent += 2;
        }
      }
    }
    await nat.guest.ping(gatewayMac, services.gateway);
    expect(nat.dropped('forbidden')).toBe(sent);
    await connectOutside(nat);
    expect([server.reached(), server6.reached()]).toEqual([0, 0]);
  });

  it('reaches it by the address of the gateway if that is allowed, and by no other address', async () => {
    await using nat = await start({ uplink: { hostLoopback: true } });
    await using server = await serve('127.0.0.1');
    await using server6 = await serve('::1');
    for (const [mac, address, { port }, host] of [
      [gatewayMac, services.gateway, server, '127.0.0.1'],
      [routerMac6, 'fd12:3456:789a:8::2', server6, '::1'],
    ] as const) {
      expect(await nat.guest.talkTcp({ mac, address, port })).toBe(`I am ${host}`);
      expect(await nat.guest.talkUdp({ mac, address, port })).toBe(`I am ${host}`);
    }
    const before = nat.dropped('forbidden');
    const others = ['192.168.77.3', '192.168.77.99', '127.0.0.1', 'fd12:3456:789a:8::3', 'fe80::2', '::1'];
    for (const address of others) nat.guest.openTcp({ mac: gatewayMac, address, port: server.port });
    await nat.guest.ping(gatewayMac, services.gateway);
    expect(nat.dropped('forbidden') - before).toBe(others.length);
    expect([server.reached(), server6.reached()]).toEqual([2, 2]);
  });

  it.each([
    ['a NAT', true],
    ['a host-only', false],
  ])('leads a TCP forward to a guest on %s network', async (_what, outbound) => {
    await using nat = await start({ uplink: { outbound } });
    await using monitor = await nat.monitor();
    const hostPort = await freePort();
    const forward = { bind: '127.0.0.1', hostPort, address: addresses.ipv4, guestPort: 22 };
    expect(await monitor.add({ ...forward, transport: 'tcp' }, { deadlineMs: 10_000 })).toBe(true);
    const [heard] = await Promise.all([hear(hostPort), nat.guest.serveTcp(22)]);
    expect(heard).toBe('from the guest');
  });

  it('leads a UDP forward to a guest', async () => {
    await using nat = await start();
    await using monitor = await nat.monitor();
    const hostPort = await freePort();
    const forward = { bind: '127.0.0.1', hostPort, address: addresses.ipv4, guestPort: 5353 };
    expect(await monitor.add({ ...forward, transport: 'udp' }, { deadlineMs: 10_000 })).toBe(true);
    const [answer] = await Promise.all([ask(hostPort), nat.guest.serveUdp(5353)]);
    expect(answer).toBe('from the guest');
  });

  it('gives a guest that boots by PXE the files of one directory by TFTP, and no others', async () => {
    const directory = join(makeDirectory(), 'boot');
    mkdirSync(directory);
    for (const name of ['pxe.efi', '../secret']) writeFileSync(join(directory, name), `This is ${name}`);
    await using nat = await start({ boot: join(directory, 'pxe.efi') });
    const read = async (name: string) => {
      const request = Buffer.from(`\0\x01${name}\0octet\0`);
      return await nat.guest.talkUdp({ mac: gatewayMac, address: services.gateway, port: 69 }, request);
    };
    expect(await read('pxe.efi')).toBe('\0\x03\0\x01This is pxe.efi');
    for (const name of ['../secret', '/../secret', 'missing'])
      expect((await read(name)).slice(0, 2)).toBe('\0\x05');
  });
});
