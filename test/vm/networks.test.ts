import { createServer, connect, type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect } from 'vitest';
import { poll } from '../../src/core/deadline.ts';
import { clone } from '../support/clones.ts';
import {
  addressOf,
  gatewayOf,
  ipv6AddressOf,
  processesOf,
  reachesPing,
  reachesTcp,
  reachesUdp,
  serveEcho,
} from '../support/guest-network.ts';
import { Guest } from '../support/guest.ts';
import { guestTest } from '../support/guest-test.ts';
import type { TestHome } from '../support/home.ts';

const it = guestTest();

/** A small machine in a network, and its address. */
async function machine(home: TestHome, name: string, network: string): Promise<Guest> {
  const memory = ['--memory', '192MiB', '--cpus', '1'];
  await home.json('create', name, ...memory);
  await home.json('set', name, `network=${network}`);
  const guest = new Guest(home, name);
  await guest.start();
  return guest;
}

/** What a program of the host gets back over a port of the host. */
async function throughPort(port: number, host = '127.0.0.1'): Promise<string> {
  return await new Promise((resolve) => {
    const socket = connect(port, host, () => socket.write('hello\n'));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
      socket.destroy();
    });
    socket.setTimeout(5000, () => socket.destroy());
    socket.on('error', () => resolve(text));
    socket.on('close', () => resolve(text));
  });
}

/** An address of this host that is not its loopback interface. */
function outsideAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === 'IPv4' && !each.internal)?.address;
}

/** A server on this host that says hello to everybody. */
async function helloServer(host: string): Promise<{ port: number } & Disposable> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return { port: (server.address() as AddressInfo).port, [Symbol.dispose]: () => void server.close() };
}

describe('four machines on two networks', () => {
  it('reach those of their own network by name and address, and no others', async ({ home, demo }) => {
    await clone(home, 'demo', 'nat', '--instant');
    const nat = new Guest(home, 'nat');
    const [one, two] = await Promise.all([
      machine(home, 'one', 'hostonly'),
      machine(home, 'two', 'hostonly'),
    ]);
    const guests = [demo, nat, one, two] as const;
    for (const guest of guests) await serveEcho(guest);
    const addresses = [];
    for (const guest of guests) addresses.push(await addressOf(guest));
    expect(new Set(addresses).size).toBe(4);
    const [demoAddress = '', natAddress = '', oneAddress = '', twoAddress = ''] = addresses;
    for (const [from, name, address] of [
      [demo, 'nat', natAddress],
      [nat, 'demo', demoAddress],
      [one, 'two', twoAddress],
      [two, 'one.kame', oneAddress],
    ] as const) {
      expect({ from: from.name, name, tcp: await reachesTcp(from, name) }).toMatchObject({ tcp: true });
      expect({ from: from.name, address, tcp: await reachesTcp(from, address) }).toMatchObject({ tcp: true });
      expect({ from: from.name, address, udp: await reachesUdp(from, address) }).toMatchObject({ udp: true });
    }
    expect(await reachesTcp(demo, await ipv6AddressOf(nat))).toBe(true);
    for (const [from, name, address] of [
      [demo, 'one', oneAddress],
      [one, 'demo', demoAddress],
      [two, 'nat.kame', natAddress],
    ] as const) {
      expect({ from: from.name, name, tcp: await reachesTcp(from, name) }).toMatchObject({ tcp: false });
      expect({ from: from.name, address, tcp: await reachesTcp(from, address) }).toMatchObject({
        tcp: false,
      });
      expect({ from: from.name, address, ping: await reachesPing(from, address) }).toMatchObject({
        ping: false,
      });
    }
  });
});

describe('a guest on a NAT network', () => {
  it('reaches the outside, and neither the loopback interface of the host nor what listens there', async ({
    demo,
  }) => {
    const outside = outsideAddress();
    using open = await helloServer('0.0.0.0');
    using closed = await helloServer('127.0.0.1');
    const gateway = await gatewayOf(demo);
    if (outside !== undefined) expect(await reachesTcp(demo, outside, open.port)).toBe(true);
    for (const target of [gateway, gateway.replace(/\d+$/, '3'), '127.0.0.1'])
      expect({ target, reached: await reachesTcp(demo, target, closed.port) }).toEqual({
        target,
        reached: false,
      });
    expect(await reachesPing(demo, gateway)).toBe(true);
  });

  it('reaches it with --host-loopback', async ({ home, demo }) => {
    using closed = await helloServer('127.0.0.1');
    await home.json('network', 'set', 'vmnet8', '--host-loopback');
    const gateway = await gatewayOf(demo);
    expect(await reachesTcp(demo, gateway, closed.port)).toBe(true);
    await home.json('network', 'set', 'vmnet8', '--no-host-loopback');
    expect(await reachesTcp(demo, gateway, closed.port)).toBe(false);
  });
});

describe('a forward', () => {
  it('leads to its machine, follows the daemon, and comes back with the machine', async ({ home, demo }) => {
    await serveEcho(demo);
    const spare = await helloServer('127.0.0.1');
    const { port } = spare;
    spare[Symbol.dispose]();
    await home.json('network', 'forward', 'add', 'vmnet8', 'tcp', String(port), 'demo:7777');
    expect(await throughPort(port)).toBe('hello\n');
    await home.killDaemon();
    expect(await throughPort(port)).toBe('hello\n');
    await demo.suspend();
    expect(await throughPort(port)).toBe('');
    await demo.start();
    expect(await throughPort(port)).toBe('hello\n');
  });
});

describe('a connection between guests', () => {
  it('survives the end of the switch and of the NAT, under load', async ({ home, demo }) => {
    await clone(home, 'demo', 'peer', '--instant', '--wait', 'network');
    const peer = new Guest(home, 'peer');
    await serveEcho(demo, 7000);
    // A line goes there and back again and again over one connection.
    await peer.sh(
      `mkfifo /tmp/back; (echo 1; cat /tmp/back) | nc demo 7000 | while read -r n; do echo $n >/tmp/count; echo $((n + 1)); done >/tmp/back 2>/dev/null &`,
    );
    const count = async () => Number((await peer.sh('cat /tmp/count 2>/dev/null || echo 0')).trim());
    const moves = async () => {
      const before = await count();
      const look = async () => ((await count()) > before ? true : undefined);
      expect(await poll(look, { deadlineMs: 20_000 })).toBe(true);
    };
    await moves();
    for (const which of ['switchPid', 'natPid'] as const) {
      const { [which]: pid } = await processesOf(home, 'vmnet8');
      process.kill(pid ?? 0, 'SIGKILL');
      await moves();
      const again = async () =>
        ![null, pid].includes((await processesOf(home, 'vmnet8'))[which]) ? true : undefined;
      expect(await poll(again, { deadlineMs: 10_000 })).toBe(true);
    }
    await moves();
  });
});

describe('addresses', () => {
  it('survive suspend and revert, and every clone has its own', async ({ home, demo }) => {
    const address = await addressOf(demo);
    await demo.take('a');
    await demo.suspend();
    await demo.start();
    expect(await addressOf(demo)).toBe(address);
    await demo.revert('a');
    expect(await addressOf(demo)).toBe(address);
    await clone(home, 'demo', 'c', '--instant', '--count', '19');
    const guests = Array.from({ length: 19 }, (_, at) => new Guest(home, `c-${at + 1}`));
    const addresses = [address];
    for (const guest of guests) addresses.push(await addressOf(guest));
    expect(new Set(addresses).size).toBe(20);
    for (const guest of guests) expect(await reachesPing(guest, 'demo')).toBe(true);
  });
});

describe('networks', () => {
  it('end with their last machine and leave no process running', async ({ home, demo }) => {
    expect((await home.networkProcesses()).length).toBe(2);
    await demo.stop();
    const gone = async () => ((await home.networkProcesses()).length === 0 ? true : undefined);
    expect(await poll(gone, { deadlineMs: 10_000 })).toBe(true);
    expect(await processesOf(home, 'vmnet8')).toMatchObject({ running: false });
  });
});
