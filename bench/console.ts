import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { hasBrowser } from '../test/support/browser.ts';
import { builtIn, type TestHome } from '../test/support/home.ts';
import { signInAt, withTicket, type DoorSession } from './console/browser-door.ts';
import { ConsolePage } from './console/page.ts';
import { RfbProbe } from './console/rfb-probe.ts';
import { throughput, throughputNotes, throughputSeries } from './console/throughput.ts';
import { startWebsockify, vncSocket } from './console/websockify.ts';
import { alternate, type Bench, type BenchContext, type Run } from './support/bench.ts';
import { startSettled, tiny } from './support/guests.ts';
import { benchHome, timed } from './support/kame.ts';
import { median, type Series } from './support/result.ts';

const machine = 'tiny';
const path = `/v1/machines/${machine}/screen`;
const atOnce = 20;
const names = {
  direct: 'key to picture: the VNC socket',
  door: 'key to picture: the relay of Kame',
  peer: 'key to picture: websockify',
  page: 'key to picture: the page',
  above: 'key to picture: the page above the socket',
  all: `key to picture: the last of ${atOnce} consoles`,
} as const;

async function direct(home: TestHome): Promise<RfbProbe & Disposable> {
  const socket = connect(await vncSocket(home));
  const probe = await RfbProbe.over(
    (data) => void socket.write(data),
    (take) => void socket.on('data', take),
  );
  return Object.assign(probe, { [Symbol.dispose]: () => void socket.destroy() });
}

/** A viewer behind a WebSocket. */
async function through(
  address: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<RfbProbe & Disposable> {
  const socket = new WebSocket(address, 'binary', { headers, perMessageDeflate: false });
  const begin = once(socket, 'open');
  const probe = RfbProbe.over(
    (data) => socket.send(data),
    (take) => void socket.on('message', (data: Buffer) => take(data)),
  );
  // Before it is open, nothing comes that it could answer.
  await begin;
  return Object.assign(await probe, { [Symbol.dispose]: () => socket.terminate() });
}

async function throughDoor(session: DoorSession): Promise<RfbProbe & Disposable> {
  const { port, cookie, origin } = session;
  return await through(`ws://127.0.0.1:${port}${await withTicket(session, path)}`, { cookie, origin });
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
  using websockify = await startWebsockify(await vncSocket(home));
  using peer = websockify && (await through(`ws://127.0.0.1:${websockify.port}/`));
  const door = await throughDoor(session);
  await using page = hasBrowser ? await ConsolePage.open(home, machine) : undefined;
  const kinds: Record<string, Run> = {
    [names.direct]: async () => await keyToPicture([socket]),
    [names.door]: async () => await keyToPicture([door]),
    ...(peer ? { [names.peer]: async () => await keyToPicture([peer]) } : {}),
    ...(page ? { [names.page]: async () => await page.keyToPicture() } : {}),
  };
  const single = await alternate(kinds, context.runs ?? 21, context);
  const more = Array.from({ length: atOnce - 1 }, async () => await throughDoor(session));
  const consoles = [door, ...(await Promise.all(more))];
  const all = { [names.all]: async () => await keyToPicture(consoles) };
  const samples = { ...single, ...(await alternate(all, context.runs ?? 21, context)) };
  for (const each of consoles) each[Symbol.dispose]();
  return samples;
}

function seriesOf(samples: Readonly<Record<string, number[]>>): Series[] {
  const of = (name: string) => samples[name] ?? [];
  const base = median(of(names.direct));
  const hasPeer = of(names.peer).length > 0;
  const all: Series[] = [
    ...throughputSeries(of),
    { name: names.direct, unit: 'ms', samples: of(names.direct) },
    {
      ...{ name: names.door, unit: 'ms', samples: of(names.door) },
      // What is less than a twentieth is noise of the guest.
      ...(hasPeer ? { ratio: { to: names.peer }, bar: { of: 'ratio', at: 'most', value: 1.05 } } : {}),
    },
    { name: names.peer, unit: 'ms', samples: of(names.peer) },
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
      ...(await throughput(home, session, path, context)),
    };
    return {
      bench: 'console',
      title: 'the screen of a tiny guest in a browser',
      series: seriesOf(samples),
      notes: [
        ...throughputNotes,
        'Key to picture: until the echo of a letter is complete in the client, or drawn on the canvas of the page.',
      ],
    };
  },
};
