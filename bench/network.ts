import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { builtIn } from '../test/support/home.ts';
import { which } from './debian/tools.ts';
import { NetworkLab, type Path } from './network/lab.ts';
import { connections, NoResult, seconds, throughput, type Flow } from './network/runs.ts';
import { emptyNode, startOfNetwork } from './network/start.ts';
import { alternate, type Bench, type Run } from './support/bench.ts';
import { benchHome } from './support/kame.ts';
import type { Series } from './support/result.ts';

const directions = { out: 'guest to host', in: 'host to guest', guests: 'guest to guest' } as const;
const paths: Readonly<Record<Path, string>> = {
  kame: 'vmnet8',
  user: '-netdev user',
  stream: '-netdev stream',
};
/** At which part of the reference guests and the host must be reached; other directions have no bar. */
const bars: Partial<Record<Flow['direction'], number>> = { out: 0.9, guests: 1 };
const startName = 'start of the network';
const startMs = 100;

/** By what the host is reached; what the others are compared with comes first. */
const hostPaths = ['user', 'kame'] as const;

/** What is measured. */
function flowsOf(): Flow[] {
  const ways = [
    { direction: 'out', via: hostPaths },
    { direction: 'in', via: hostPaths },
    { direction: 'guests', via: ['stream', 'kame'] },
  ] as const;
  return ([1500, 9000] as const).flatMap((mtu) =>
    (['tcp', 'udp'] as const).flatMap((transport) =>
      ways.flatMap(({ direction, via }) => via.map((path) => ({ path, direction, transport, mtu }))),
    ),
  );
}

const reference = (direction: Flow['direction']): Path => (direction === 'guests' ? 'stream' : 'user');

function nameOf({ path, direction, transport, mtu }: Flow): string {
  return `${directions[direction]}, ${transport.toUpperCase()}, MTU ${mtu}, ${paths[path]}`;
}

function connectionName(path: Path, to: 'host' | 'guest'): string {
  return `connections from a guest to the ${to} a second, ${paths[path]}`;
}

function seriesOf(flow: Flow, samples: readonly number[]): Series {
  const [name, unit] = [nameOf(flow), 'Mbit/s' as const];
  const to = reference(flow.direction);
  if (flow.path === to) return { name, unit, samples };
  const value = flow.path === 'kame' ? bars[flow.direction] : undefined;
  return {
    name,
    unit,
    samples,
    ratio: { to: nameOf({ ...flow, path: to }) },
    ...(value === undefined ? {} : { bar: { of: 'ratio', at: 'least', value } }),
  };
}

/** The result of a run; 0 if it has none. */
async function orNothing(run: () => Promise<number>, failed: (why: string) => void): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof NoResult)) throw error;
    failed(error.message);
    return 0;
  }
}

/** What the switch and the NAT of a network cost, against QEMU's own backends, plugged into the same guests. */
export const network: Bench = {
  name: 'network',
  about: 'guests and the host through a NAT network by iperf3, against -netdev user and -netdev stream',
  missing() {
    if (!existsSync(join(builtIn, 'kame.cjs'))) return 'Kame has not been built; run `npm run build`';
    return which('iperf3') === undefined ? 'it needs iperf3; run `apt-get install iperf3`' : null;
  },
  async run(context) {
    await using home = await benchHome();
    await using lab = await NetworkLab.open(home, context);
    const flows = flowsOf();
    const counted = [
      ...hostPaths.map((path) => ({ path, to: 'host' as const })),
      ...(['stream', 'kame'] as const).map((path) => ({ path, to: 'guest' as const })),
    ];
    const kinds: Record<string, Run> = {
      [startName]: startOfNetwork,
      [`${startName}, of which node`]: emptyNode,
    };
    const failures: string[] = [];
    const add = (name: string, run: () => Promise<number>) =>
      (kinds[name] = async () => await orNothing(run, (why) => failures.push(`${name}: ${why}`)));
    for (const flow of flows) add(nameOf(flow), async () => await throughput(lab, flow));
    for (const { path, to } of counted)
      add(connectionName(path, to), async () => await connections(lab, path, to));
    const samples = await alternate(kinds, context.runs ?? 2, context);
    const of = (name: string) => samples[name] ?? [];
    return {
      bench: 'network',
      title: `two tiny aarch64 guests and the host, ${seconds} s a run`,
      series: [
        {
          name: startName,
          unit: 'ms',
          samples: of(startName),
          bar: { of: 'median', at: 'most', value: startMs },
        },
        { name: `${startName}, of which node`, unit: 'ms', samples: of(`${startName}, of which node`) },
        ...flows.map((flow) => seriesOf(flow, of(nameOf(flow)))),
        ...counted.map(({ path, to }): Series => {
          const [name, first] = [connectionName(path, to), to === 'host' ? 'user' : 'stream'] as const;
          const ratio = path === first ? {} : { ratio: { to: connectionName(first, to) } };
          return { name, unit: '', samples: of(name), ...ratio };
        }),
      ],
      notes: [
        'What the receiver got. UDP is sent as fast as the sender can, one datagram a frame.',
        'The adapters of QEMU are plugged into the same guests.',
        'The NAT of QEMU has an MTU of 1500, whatever that of the guest is.',
        ...failures.map((failure) => `Counted as 0: ${failure}.`),
      ],
    };
  },
};
