import { createHash } from 'node:crypto';
import { createServer, connect, type AddressInfo, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Readable } from 'node:stream';
import { describe, expect } from 'vitest';
import { poll } from '../../src/core/deadline.ts';
import { clone } from '../support/clones.ts';
import {
  addressOf,
  gatewayOf,
  ipv6AddressOf,
  processesOf,
  reached,
  reachesPing,
  reachesTcp,
  serveEcho,
  ways,
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
function outsideAddress(family: 'IPv4' | 'IPv6' = 'IPv4'): string | undefined {
  return Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === family && !each.internal && !each.address.startsWith('fe80'))?.address;
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

/** By what others may try to reach a guest: its name, and its addresses of both kinds. */
async function targetsOf(guest: Guest, scope: 'global' | 'link'): Promise<string[]> {
  const [ipv4, ipv6] = [await addressOf(guest), await ipv6AddressOf(guest, scope)];
  return [`${guest.name}.kame`, ipv4, scope === 'link' ? `${ipv6}%eth0` : ipv6];
}

describe('four machines on two networks', () => {
  it('reach those of their own network by name and address over IPv4 and IPv6, and no others', async ({
    home,
    demo,
  }) => {
    await clone(home, 'demo', 'nat', '--instant');
    const nat = new Guest(home, 'nat');
    const [one, two] = await Promise.all([
      machine(home, 'one', 'hostonly'),
      machine(home, 'two', 'hostonly'),
    ]);
    const sides = [
      { guests: [demo, nat], scope: 'global' },
      // There is no router that gives them others.
      { guests: [one, two], scope: 'link' },
    ] as const;
    const members = sides.flatMap(({ guests, scope }) => guests.map((guest) => ({ guest, scope })));
    const all = await Promise.all(
      members.map(async ({ guest, scope }) => {
        await serveEcho(guest);
        return { guest, scope, targets: await targetsOf(guest, scope) };
      }),
    );
    expect(new Set(all.flatMap(({ targets }) => targets)).size).toBe(12);
    for (const { guest, scope } of all) {
      const others = all.filter((each) => each.guest !== guest);
      const may = others.filter((each) => each.scope === scope).flatMap(({ targets }) => targets);
      const expected = Object.keys(ways).flatMap((way) => may.map((target) => `${way} ${target}`));
      const tried = others.flatMap(({ targets }) => targets);
      expect({ from: guest.name, reached: await reached(guest, tried) }).toEqual({
        from: guest.name,
        reached: expected.sort(),
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

const megabytes = 4 * 1024 * 1024;

/** Servers of this host: one that takes so many bytes and answers with their hash, and one that sends without end. */
async function streamServers(host: string): Promise<{ takes: number; sends: number } & Disposable> {
  const takes = createServer((socket) => {
    const hash = createHash('sha256');
    let left = megabytes;
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      hash.update(chunk);
      left -= chunk.length;
      if (left === 0) socket.end(hash.digest('hex'));
    });
  });
  // The guest has nothing to send, and says so at once.
  const sends = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    Readable.from(everything()).pipe(socket);
  });
  for (const server of [takes, sends]) await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const portOf = (server: Server) => (server.address() as AddressInfo).port;
  const close = () => [takes, sends].forEach((server) => server.close());
  return { takes: portOf(takes), sends: portOf(sends), [Symbol.dispose]: close };
}

/** Blocks of which each is another. */
function* everything(): Generator<Buffer> {
  for (let block = 0; ; block += 1) yield Buffer.alloc(65_536, `block ${block}\n`);
}

function firstOfEverything(bytes: number): string {
  const hash = createHash('sha256');
  let left = bytes;
  for (const block of everything()) {
    hash.update(block.subarray(0, left));
    left -= block.length;
    if (left <= 0) return hash.digest('hex');
  }
  return '';
}

describe('a connection to the outside', () => {
  it.for(['IPv4', 'IPv6'] as const)('carries megabytes both ways over %s', async (family, { demo }) => {
    const outside = outsideAddress(family);
    if (outside === undefined) return;
    await (family === 'IPv4' ? addressOf(demo) : ipv6AddressOf(demo));
    using servers = await streamServers(outside);
    const down = await demo.sh(`nc ${outside} ${servers.sends} | head -c ${megabytes} | sha256sum`);
    expect(down.split(' ')[0]).toBe(firstOfEverything(megabytes));
    await demo.sh(`head -c ${megabytes} /dev/urandom >/tmp/up`);
    const up = await demo.sh(`sha256sum </tmp/up; nc ${outside} ${servers.takes} </tmp/up`);
    const [sent, received] = up.trim().split(/\s+-\s+/);
    expect(received).toBe(sent);
  });

  it('is reset within 2 s when the switch is killed, though the guest only receives', async ({
    home,
    demo,
  }) => {
    const outside = outsideAddress();
    if (outside === undefined) return;
    using servers = await streamServers(outside);
    const now = async () => Number((await demo.sh('read -r at _ </proc/uptime; echo $at')).trim());
    await demo.sh(
      `(nc ${outside} ${servers.sends} | (head -c 100000 >/tmp/some; cat >/dev/null); read -r at _ </proc/uptime; echo $at >/tmp/over) >/dev/null 2>&1 &
       until [ -s /tmp/some ]; do usleep 20000; done`,
    );
    const { switchPid } = await processesOf(home, 'vmnet8');
    const [before, killed] = [await now(), await now()];
    process.kill(switchPid ?? 0, 'SIGKILL');
    const over = async () => (await demo.sh('cat /tmp/over 2>/dev/null || true')).trim() || undefined;
    const at = await poll(over, { deadlineMs: 20_000 });
    // What a busy host needs for a question is not counted.
    expect(Number(at) - killed - (killed - before)).toBeLessThan(2);
    using open = await helloServer(outside);
    expect(await reachesTcp(demo, outside, open.port)).toBe(true);
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
  it('survives the end of the switch and of the NAT, under load, and stands still for less than 2 s', async ({
    home,
    demo,
  }) => {
    await clone(home, 'demo', 'peer', '--instant', '--wait', 'network');
    const peer = new Guest(home, 'peer');
    await serveEcho(demo, 7000);
    // A line goes there and back again and again over one connection; each time is written down.
    await peer.sh(
      `mkfifo /tmp/back; (echo line; cat /tmp/back) | nc demo 7000 | while read -r line; do read -r at _ </proc/uptime; echo $at >>/tmp/times; echo $line; done >/tmp/back 2>/dev/null &`,
    );
    const count = async () => Number((await peer.sh('cat /tmp/times 2>/dev/null | wc -l')).trim());
    const moves = async () => {
      const before = await count();
      const look = async () => ((await count()) > before + 20 ? true : undefined);
      expect(await poll(look, { deadlineMs: 20_000 })).toBe(true);
    };
    /** The longest time between two lines since the last question, in seconds. */
    const longest = async () =>
      Number(
        await peer.sh(
          `mv /tmp/times /tmp/past; awk 'NR > 1 && $1 - last > most { most = $1 - last } { last = $1 } END { print most + 0 }' /tmp/past`,
        ),
      );
    await moves();
    // What a busy host does to guests without any kill.
    const usual = await longest();
    for (const which of ['switchPid', 'natPid'] as const) {
      await moves();
      const { [which]: pid } = await processesOf(home, 'vmnet8');
      process.kill(pid ?? 0, 'SIGKILL');
      await moves();
      const again = async () =>
        ![null, pid].includes((await processesOf(home, 'vmnet8'))[which]) ? true : undefined;
      expect(await poll(again, { deadlineMs: 10_000 })).toBe(true);
      await moves();
      expect((await longest()) - usual).toBeLessThan(2);
    }
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
    // The switch and the NAT.
    expect(await home.networkProcesses()).toHaveLength(2);
    await demo.stop();
    const gone = async () => ((await home.networkProcesses()).length === 0 ? true : undefined);
    expect(await poll(gone, { deadlineMs: 10_000 })).toBe(true);
    expect(await processesOf(home, 'vmnet8')).toMatchObject({ running: false });
  });
});
