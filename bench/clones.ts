import type { TestHome } from '../test/support/home.ts';
import { alternate, type Bench, type BenchContext } from './support/bench.ts';
import { discard, instantClones, type Way } from './support/clones.ts';
import { debian, startSettled, tiny, type BenchGuest } from './support/guests.ts';
import { benchHome } from './support/kame.ts';
import {
  availableMemory,
  enginesOf,
  memoryOf,
  sharedMemoryUsed,
  type ProcessMemory,
} from './support/memory.ts';
import { quiet } from './support/quiet.ts';
import type { Bar, Series } from './support/result.ts';

const source = 'source';
const mega = 1e6;

/** Memory while all clones of a round are running, in MB. */
interface Herd {
  /** For each clone. */
  readonly private: number[];
  readonly pss: number[];
  readonly all: number[];
  readonly available: number[];
}

interface Kind {
  readonly guest: BenchGuest;
  readonly name: string;
  readonly count: number;
  readonly rounds: number;
  readonly bars: Readonly<Partial<Record<'agentMs' | 'answered' | 'private' | 'pss' | 'all', Bar>>>;
}

/** The number of clones whose guest reports its own name. */
async function answering(home: TestHome, names: readonly string[]): Promise<number> {
  let count = 0;
  for (const name of names) {
    const told = await home.sh(name, 'cat /proc/sys/kernel/hostname');
    if (told.trim() === name) count += 1;
  }
  return count;
}

interface Before {
  readonly shared: number;
  readonly available: number;
}

/** Measures the memory of the running clones: all engines of the home except that of the source. */
function weigh(home: TestHome, before: Before, herd: Herd): void {
  const engines = [...enginesOf(home.path)].filter(([name]) => name !== source);
  const each = engines.map(([, pid]) => memoryOf(pid));
  const sum = (of: (memory: ProcessMemory) => number) => each.reduce((total, one) => total + of(one), 0);
  const shared = sharedMemoryUsed() - before.shared;
  herd.private.push(...each.map((one) => one.private / mega));
  herd.pss.push(sum(({ pss }) => pss) / mega);
  herd.all.push((sum(({ pss, pssShared }) => pss - pssShared) + shared) / mega);
  herd.available.push((before.available - availableMemory()) / mega);
}

const emptyHerd = (): Herd => ({ private: [], pss: [], all: [], available: [] });

async function measure({ guest, count, rounds }: Kind, context: BenchContext) {
  await using home = await benchHome();
  const client = home.client();
  await guest.create(home, source, context.say);
  context.say('boots');
  await startSettled(home, guest, source);
  const [fresh, ended] = [emptyHerd(), emptyHerd()];
  const answered: number[] = [];
  const round = async (way: Way, weighFresh: boolean) => {
    await quiet(context.signal);
    const before = { shared: sharedMemoryUsed(), available: availableMemory() };
    const onAllAnswer = () => {
      if (weighFresh) weigh(home, before, fresh);
    };
    const { reply, agentMs } = await instantClones(home, way, { source, name: 'clone', count, onAllAnswer });
    if (!weighFresh) {
      weigh(home, before, ended);
      answered.push(
        await answering(
          home,
          reply.machines.map(({ name }) => name),
        ),
      );
    }
    await discard(
      client,
      reply.machines.map(({ name }) => name),
    );
    return Math.max(...agentMs);
  };
  const samples = await alternate(
    {
      agentMs: async () => await round('cli', false),
      weighed: async () => await round('api', true),
    },
    context.runs ?? rounds,
    context,
  );
  return { fresh, ended, answered, agentMs: samples.agentMs };
}

function seriesOf({ count, bars }: Kind, measured: Awaited<ReturnType<typeof measure>>): Series[] {
  const { fresh, ended, answered, agentMs } = measured;
  const bar = (which: keyof typeof bars) => (bars[which] ? { bar: bars[which] } : {});
  const memory = (name: string, samples: number[]): Series => ({ name, unit: 'MB', samples });
  return [
    { name: `kame clone --count ${count}, all answer`, unit: 'ms', samples: agentMs, ...bar('agentMs') },
    { name: 'clones that answer to their own name', unit: '', samples: answered, ...bar('answered') },
    { ...memory('all answer: private memory of each', fresh.private), ...bar('private') },
    { ...memory('all answer: PSS together', fresh.pss), ...bar('pss') },
    { ...memory('all answer: in all', fresh.all), ...bar('all') },
    memory('command ended: private memory of each', ended.private),
    memory('command ended: PSS together', ended.pss),
    { ...memory('command ended: in all', ended.all), ...bar('all') },
    memory('command ended: less available on the host', ended.available),
  ];
}

function clonesBench(kind: Kind): Bench {
  const { name, guest, count } = kind;
  return {
    name,
    about: `${guest.name}: ${count} instant clones at once, until all respond, and their memory`,
    missing: () =>
      process.platform === 'linux'
        ? guest.missing()
        : 'it needs /proc/PID/smaps_rollup, which only Linux has',
    async run(context) {
      return {
        bench: name,
        title: `${count} clones of a running ${guest.title}`,
        series: seriesOf(kind, await measure(kind, context)),
        notes: [
          'All answer: from before the command starts until the first reply of the last agent; the memory at that point is from other',
          'runs, before the new identity. Command ended: after that. Private: Private_Clean and Private_Dirty. In all: PSS of the',
          'engines without their share of the RAM file that all of them map, plus the growth of the file system of that file, which',
          'includes the parts that no clone has touched.',
        ],
      };
    },
  };
}

const most = (of: 'median' | 'max', value: number): Bar => ({ of, at: 'most', value });

export const clones = clonesBench({
  guest: tiny,
  name: 'clones',
  count: 40,
  rounds: 9,
  bars: { answered: { of: 'min', at: 'least', value: 40 }, all: most('max', (4 * 2 ** 30) / mega) },
});
export const clonesDebian = clonesBench({
  guest: debian,
  name: 'clones-debian',
  count: 7,
  rounds: 9,
  bars: {
    agentMs: most('median', 3000),
    answered: { of: 'min', at: 'least', value: 7 },
    private: most('max', 55),
    pss: most('max', 450),
  },
});
