import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, rename } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { hasBrowser } from '../test/support/browser.ts';
import { builtIn, type TestHome } from '../test/support/home.ts';
import { openRaw, signInAt, withTicket, type DoorSession, type RawSocket } from './console/browser-door.ts';
import { ConsolePage } from './console/page.ts';
import { RfbProbe } from './console/rfb-probe.ts';
import { which } from './debian/tools.ts';
import { alternate, type Bench, type BenchContext, type Run } from './support/bench.ts';
import { startSettled, tiny } from './support/guests.ts';
import { benchHome, timed } from './support/kame.ts';
import { memoryOf } from './support/memory.ts';
import type { Series } from './support/result.ts';

const machine = 'tiny';
const path = `/v1/machines/${machine}/screen`;
const mebi = 1024 * 1024;
const floodBytes = 512 * mebi;
const [stalled, atOnce] = [10, 20];
const peerPort = 46_811;
const names = {
  relay: 'relay: Kame',
  peer: 'relay: websockify',
  stalled: 'a stalled browser',
  direct: 'key to picture: the VNC socket',
  page: 'key to picture: the page',
  above: 'key to picture: the page above the socket',
  all: `key to picture: the last of ${atOnce} consoles`,
} as const;

/** Where the engine of the only machine listens for viewers. */
async function vncSocket(home: TestHome): Promise<string> {
  const run = join(home.path, 'run');
  for (const name of await readdir(run))
    if (existsSync(join(run, name, 'vnc'))) return join(run, name, 'vnc');
  throw new Error('No engine listens for viewers.');
}

/** Starts a program that says on standard output, or standard error, that it listens. */
async function started(program: string, args: readonly string[]): Promise<ChildProcess & Disposable> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), once(child, 'error')]);
  return Object.assign(child, { [Symbol.dispose]: () => void child.kill('SIGKILL') });
}

async function openScreen(session: DoorSession): Promise<RawSocket> {
  const { port, cookie, origin } = session;
  return await openRaw(port, await withTicket(session, path), { cookie, origin });
}

/** Megabytes a second, one way. */
async function rateOf(opened: Promise<RawSocket>): Promise<number> {
  using socket = await opened;
  const begin = performance.now();
  await socket.read(floodBytes);
  return floodBytes / 1e6 / ((performance.now() - begin) / 1000);
}

/** What each of some browsers costs the daemon that open a screen and read nothing, in megabytes. */
async function costOfStalled(session: DoorSession, pid: number): Promise<number> {
  const before = memoryOf(pid).private;
  const sockets = await Promise.all(Array.from({ length: stalled }, async () => await openScreen(session)));
  // As long as it grows.
  let [cost, same] = [0, 0];
  while (same < 5) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const now = memoryOf(pid).private - before;
    same = now > cost + mebi ? 0 : same + 1;
    cost = Math.max(cost, now);
  }
  for (const socket of sockets) socket[Symbol.dispose]();
  return cost / 1e6 / stalled;
}

async function throughput(home: TestHome, session: DoorSession, context: BenchContext) {
  const vnc = await vncSocket(home);
  // The daemon and websockify find something else where the engine was.
  await rename(vnc, `${vnc}-engine`);
  try {
    using _flood = await started(process.execPath, [
      ...['--import', 'tsx', fileURLToPath(new URL('console/flood.ts', import.meta.url)), vnc],
    ]);
    const websockify = which('websockify');
    using peer =
      websockify === undefined
        ? undefined
        : await started(websockify, [`--unix-target=${vnc}`, `127.0.0.1:${peerPort}`]);
    const pid = (await home.daemonPid()) ?? 0;
    const kinds: Record<string, Run> = {
      [names.relay]: async () => await rateOf(openScreen(session)),
      ...(peer
        ? {
            [names.peer]: async () =>
              await rateOf(openRaw(peerPort, '/', { 'sec-websocket-protocol': 'binary' })),
          }
        : {}),
    };
    // First: what the daemon has freed afterwards would hide what is needed.
    const cost = await alternate(
      { [names.stalled]: async () => await costOfStalled(session, pid) },
      1,
      context,
    );
    return { ...cost, ...(await alternate(kinds, context.runs ?? 5, context)) };
  } finally {
    await rename(`${vnc}-engine`, vnc);
  }
}

async function direct(home: TestHome): Promise<RfbProbe & Disposable> {
  const socket = connect(await vncSocket(home));
  const probe = await RfbProbe.over(
    (data) => void socket.write(data),
    (take) => void socket.on('data', take),
  );
  return Object.assign(probe, { [Symbol.dispose]: () => void socket.destroy() });
}

async function throughDoor(session: DoorSession): Promise<RfbProbe & Disposable> {
  const { port, cookie, origin } = session;
  const address = `ws://127.0.0.1:${port}${await withTicket(session, path)}`;
  const socket = new WebSocket(address, { headers: { cookie, origin }, perMessageDeflate: false });
  const begin = once(socket, 'open');
  const probe = RfbProbe.over(
    (data) => socket.send(data),
    (take) => void socket.on('message', (data: Buffer) => take(data)),
  );
  // Before it is open, nothing comes that it could answer.
  await begin;
  return Object.assign(await probe, { [Symbol.dispose]: () => socket.terminate() });
}

/** Milliseconds from a key until every one of them has a new picture. */
async function keyToPicture(probes: readonly RfbProbe[]): Promise<number> {
  // What the guest still draws after the key before.
  await new Promise((resolve) => setTimeout(resolve, 300));
  return await timed(async () => {
    const all = Promise.all(probes.map(async (probe) => await probe.nextPicture()));
    probes[0]?.press('a');
    await all;
  });
}

async function latencies(home: TestHome, session: DoorSession, context: BenchContext) {
  // The cursor would be a new picture too. Who has logged in sees what is typed.
  await home.sh(machine, 'echo 0 > /sys/class/graphics/fbcon/cursor_blink');
  using socket = await direct(home);
  const consoles = await Promise.all(Array.from({ length: atOnce }, async () => await throughDoor(session)));
  await using page = hasBrowser ? await ConsolePage.open(home, machine) : undefined;
  const kinds: Record<string, Run> = {
    [names.direct]: async () => await keyToPicture([socket]),
    ...(page ? { [names.page]: async () => await page.keyToPicture() } : {}),
    [names.all]: async () => await keyToPicture(consoles),
  };
  const samples = await alternate(kinds, context.runs ?? 21, context);
  for (const each of consoles) each[Symbol.dispose]();
  return samples;
}

function seriesOf(samples: Readonly<Record<string, number[]>>): Series[] {
  const of = (name: string) => samples[name] ?? [];
  const base = of(names.direct).toSorted((a, b) => a - b)[Math.floor(of(names.direct).length / 2)] ?? 0;
  const all: Series[] = [
    {
      name: names.relay,
      unit: 'MB/s',
      samples: of(names.relay),
      ...(of(names.peer).length > 0 ? { ratio: { to: names.peer } } : {}),
      bar: [
        { of: 'median', at: 'least', value: 400 },
        ...(of(names.peer).length > 0 ? [{ of: 'ratio', at: 'least', value: 2 } as const] : []),
      ],
    },
    { name: names.peer, unit: 'MB/s', samples: of(names.peer) },
    {
      name: names.stalled,
      unit: 'MB',
      samples: of(names.stalled),
      bar: { of: 'median', at: 'most', value: 8 },
    },
    { name: names.direct, unit: 'ms', samples: of(names.direct) },
    { name: names.page, unit: 'ms', samples: of(names.page) },
    {
      name: names.above,
      unit: 'ms',
      samples: of(names.page).map((ms) => ms - base),
      bar: { of: 'median', at: 'most', value: 80 },
    },
    { name: names.all, unit: 'ms', samples: of(names.all) },
  ];
  return all.filter((each) => each.samples.length > 0);
}

/** What the way of a screen into a browser costs. */
export const consoles: Bench = {
  name: 'console',
  about:
    'the screen of a guest in a browser: throughput, memory and latency, against the VNC socket and websockify',
  missing: () =>
    existsSync(join(builtIn, 'kame.cjs')) ? null : 'Kame has not been built; run `npm run build`',
  async run(context) {
    await using home = await benchHome();
    await tiny.create(home, machine, context.say);
    context.say('boots');
    await startSettled(home, tiny, machine);
    const { address } = await home.json<{ address: string }>('open', '--print');
    const session = await signInAt(address);
    const samples = {
      ...(await latencies(home, session, context)),
      ...(await throughput(home, session, context)),
    };
    return {
      bench: 'console',
      title: 'the screen of a tiny guest in a browser',
      series: seriesOf(samples),
      notes: [
        `Throughput: ${floodBytes / mebi} MiB from a program in place of the engine to one that counts bytes, one way.`,
        `Memory: private memory of the daemon, for each of ${stalled} browsers that read nothing, as long as it grows.`,
        'Key to picture: until the echo of a letter is complete in the client, or drawn on the canvas of the page.',
      ],
    };
  },
};
