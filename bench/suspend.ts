import type { Bench, BenchContext } from './support/bench.ts';
import { debian, startSettled, tiny, type BenchGuest } from './support/guests.ts';
import { benchHome, kameWall, timed } from './support/kame.ts';
import { quiet } from './support/quiet.ts';
import type { Series } from './support/result.ts';

const source = 'source';

const kinds = {
  suspend: 'kame suspend',
  suspendApi: 'suspend, API',
  resume: 'kame start, resumes',
  resumeApi: 'resume, API',
} as const;

type Samples = Record<(typeof kinds)[keyof typeof kinds], number[]>;

async function measure(guest: BenchGuest, context: BenchContext): Promise<Samples> {
  await using home = await benchHome();
  const client = home.client();
  await guest.create(home, source, context.say);
  context.say('boots');
  await startSettled(home, guest, source);
  const samples: Samples = {
    [kinds.suspend]: [],
    [kinds.suspendApi]: [],
    [kinds.resume]: [],
    [kinds.resumeApi]: [],
  };
  // Each one needs the state that the other leaves, so they come in pairs.
  const pairs = [
    async () => {
      samples[kinds.suspend].push(kameWall(home, 'suspend', source));
      samples[kinds.resume].push(kameWall(home, 'start', source));
    },
    async () => {
      samples[kinds.suspendApi].push(await timed(async () => await client.machines.suspend(source)));
      samples[kinds.resumeApi].push(await timed(async () => await client.machines.start(source, {})));
    },
  ];
  const rounds = context.runs ?? 9;
  for (let round = 0; round < rounds; round += 1) {
    context.say(`${round + 1} of ${rounds}`);
    for (const pair of round % 2 === 0 ? pairs : pairs.toReversed()) {
      await quiet(context.signal);
      await pair();
    }
  }
  return samples;
}

function suspendBench(guest: BenchGuest, name: string): Bench {
  return {
    name,
    about: `${guest.name}: suspend to a file, and resume until the agent responds`,
    missing: () => guest.missing(),
    async run(context) {
      const samples = await measure(guest, context);
      const series = Object.values(kinds).map((kind): Series => {
        const value = kind === kinds.suspend || kind === kinds.suspendApi ? 2000 : 1000;
        return { name: kind, unit: 'ms', samples: samples[kind], bar: { of: 'median', at: 'most', value } };
      });
      return {
        bench: name,
        title: guest.title,
        series,
        notes: [
          'From before the command or request until its end. Suspended: everything is on the disk and synced, and the engine has',
          'ended. Resumed: the agent has responded.',
        ],
      };
    },
  };
}

export const suspend = suspendBench(tiny, 'suspend');
export const suspendDebian = suspendBench(debian, 'suspend-debian');
