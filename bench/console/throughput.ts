import { rename } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { TestHome } from '../../test/support/home.ts';
import { alternate, type BenchContext, type Run } from '../support/bench.ts';
import { memoryOf } from '../support/memory.ts';
import { usageReader } from '../support/process-usage.ts';
import type { Series } from '../support/result.ts';
import { openRaw, withTicket, type DoorSession, type RawSocket } from './browser-door.ts';
import { started, startWebsockify, vncSocket } from './websockify.ts';

const mebi = 1024 * 1024;
const floodBytes = 1024 * mebi;
const stalled = 10;
const names = {
  relay: 'relay: Kame',
  peer: 'relay: websockify',
  relayCost: 'processor for a GB: Kame',
  peerCost: 'processor for a GB: websockify',
  stalled: 'a stalled browser',
} as const;

/** What was measured of one kind of relay beside its rate: milliseconds of processor time for each GB. */
type Costs = number[];

/** Opens the screen of the only machine at the door for browsers. */
async function openScreen(session: DoorSession, path: string): Promise<RawSocket> {
  const { port, cookie, origin } = session;
  return await openRaw(port, await withTicket(session, path), { cookie, origin });
}

/**
 * Megabytes a second, one way.
 * @param relay the process that passes them on
 */
async function rateOf(opened: Promise<RawSocket>, relay: () => number, costs: Costs): Promise<number> {
  using socket = await opened;
  const usage = usageReader(relay());
  const [begin, before] = [performance.now(), usage().cpuSeconds];
  await socket.read(floodBytes);
  const seconds = (performance.now() - begin) / 1000;
  costs.push(((usage().cpuSeconds - before) * 1000) / (floodBytes / 1e9));
  return floodBytes / 1e6 / seconds;
}

/** What each of some browsers costs the daemon that open a screen and read nothing, in megabytes. */
async function costOfStalled(session: DoorSession, path: string, pid: number): Promise<number> {
  const before = memoryOf(pid).private;
  const opening = Array.from({ length: stalled }, async () => await openScreen(session, path));
  const sockets = await Promise.all(opening);
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

/**
 * How much passes the relay, and websockify beside it: the same source, the same Unix socket and the same client, which reads all bytes
 * into one buffer and looks at none.
 */
export async function throughput(
  home: TestHome,
  session: DoorSession,
  path: string,
  context: BenchContext,
): Promise<Record<string, number[]>> {
  const vnc = await vncSocket(home);
  // The daemon and websockify find something else where the engine was.
  await rename(vnc, `${vnc}-engine`);
  try {
    const flood = fileURLToPath(new URL('flood.ts', import.meta.url));
    using _flood = await started(process.execPath, ['--import', 'tsx', flood, vnc]);
    using peer = await startWebsockify(vnc);
    const pid = (await home.daemonPid()) ?? 0;
    const costs = { relay: [] as Costs, peer: [] as Costs };
    const kinds: Record<string, Run> = {
      [names.relay]: async () => await rateOf(openScreen(session, path), () => pid, costs.relay),
    };
    if (peer)
      kinds[names.peer] = async () => {
        const opened = openRaw(peer.port, '/', { 'sec-websocket-protocol': 'binary' });
        return await rateOf(opened, peer.latest, costs.peer);
      };
    // First: what the daemon has freed afterwards would hide what is needed.
    const cost = await alternate(
      { [names.stalled]: async () => await costOfStalled(session, path, pid) },
      1,
      context,
    );
    // What is compiled while it runs is not, yet, in the first round.
    await alternate(kinds, 1, context);
    for (const each of [costs.relay, costs.peer]) each.length = 0;
    const rates = await alternate(kinds, context.runs ?? 7, context);
    return { ...cost, ...rates, [names.relayCost]: costs.relay, [names.peerCost]: costs.peer };
  } finally {
    await rename(`${vnc}-engine`, vnc);
  }
}

/** The series of `throughput`. */
export function throughputSeries(of: (name: string) => readonly number[]): Series[] {
  const hasPeer = of(names.peer).length > 0;
  return [
    {
      ...{ name: names.relay, unit: 'MB/s', samples: of(names.relay) },
      ...(hasPeer ? { ratio: { to: names.peer } } : {}),
      bar: [
        { of: 'median', at: 'least', value: 400 },
        ...(hasPeer ? [{ of: 'ratio', at: 'least', value: 2 } as const] : []),
      ],
    },
    { name: names.peer, unit: 'MB/s', samples: of(names.peer) },
    {
      ...{ name: names.relayCost, unit: 'ms', samples: of(names.relayCost) },
      ...(hasPeer ? { ratio: { to: names.peerCost } } : {}),
    },
    { name: names.peerCost, unit: 'ms', samples: of(names.peerCost) },
    {
      ...{ name: names.stalled, unit: 'MB', samples: of(names.stalled) },
      bar: { of: 'median', at: 'most', value: 8 },
    },
  ];
}

/** What a reader must know of `throughput`. */
export const throughputNotes: readonly string[] = [
  `Throughput: ${floodBytes / mebi} MiB from a program in place of the engine to one that counts bytes, one way, after one that does not count.`,
  'Processor: what the process of the relay has used for it, user and system time; it depends less on what else the host does.',
  `Memory: private memory of the daemon, for each of ${stalled} browsers that read nothing, as long as it grows.`,
];
