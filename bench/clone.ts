import { alternate, type Bench, type BenchContext } from './support/bench.ts';
import { discard, instantClones, type Way } from './support/clones.ts';
import { debian, startSettled, tiny, type BenchGuest } from './support/guests.ts';
import { benchHome, kameWall } from './support/kame.ts';
import { quiet } from './support/quiet.ts';
import type { Series } from './support/result.ts';

const source = 'source';
const cold = 'cold';

interface Bars {
  readonly agentMs: number;
  /** How many times as fast as a cold boot. */
  readonly times?: number;
  /** How long a command may take until its clone has its own identity, in times of its first reply. */
  readonly wholeTimes?: number;
  /** How long seven clones may take until all have their own identity, in cold boots. */
  readonly sevenBoots?: number;
}

const names = {
  boot: 'cold boot: kame start',
  cli: 'kame clone --instant',
  api: 'instant clone, API',
  cliWhole: 'kame clone, until it ends',
  apiWhole: 'API, until the answer',
  seven: 'seven clones, until the command ends',
} as const;

const sevenClones = Array.from({ length: 7 }, (_, index) => `seven-${index + 1}`);

async function measure(
  guest: BenchGuest,
  { sevenBoots }: Bars,
  context: BenchContext,
): Promise<Record<string, number[]>> {
  await using home = await benchHome();
  const client = home.client();
  await guest.create(home, cold, context.say);
  await guest.create(home, source, context.say);
  context.say('boots');
  // This completes what only the first start does. Shut down properly, so that no boot has to repair a file system.
  await startSettled(home, guest, cold);
  await client.machines.stop(cold, {});
  await startSettled(home, guest, source);
  // The tiny guest has them; with them, a clone has its own identity much sooner.
  if (guest.name === 'debian') await home.json('tools', 'install', source);
  const whole: Record<Way, number[]> = { cli: [], api: [] };
  const clone = async (way: Way) => {
    await quiet(context.signal);
    const made = await instantClones(home, way, { source, name: 'clone' });
    whole[way].push(made.wholeMs);
    await discard(client, ['clone']);
    return made.agentMs[0] ?? Number.NaN;
  };
  const seven = async () => {
    await quiet(context.signal);
    const { wholeMs } = await instantClones(home, 'cli', {
      source,
      name: 'seven',
      count: sevenClones.length,
    });
    await discard(client, sevenClones);
    return wholeMs;
  };
  const runs: Readonly<Record<string, () => Promise<number>>> = {
    [names.boot]: async () => {
      await client.machines.pause(source);
      await quiet(context.signal);
      const ms = kameWall(home, 'start', cold);
      await client.machines.stop(cold, {});
      await client.machines.unpause(source);
      return ms;
    },
    [names.cli]: async () => await clone('cli'),
    [names.api]: async () => await clone('api'),
    ...(sevenBoots === undefined ? {} : { [names.seven]: seven }),
  };
  const samples = await alternate(runs, context.runs ?? 9, context);
  return { ...samples, [names.cliWhole]: whole.cli, [names.apiWhole]: whole.api };
}

function seriesOf(
  samples: Record<string, number[]>,
  { agentMs, times, wholeTimes, sevenBoots }: Bars,
): Series[] {
  const of = (name: string): Series => ({ name, unit: 'ms', samples: samples[name] ?? [] });
  const bars = [
    { of: 'median', at: 'most', value: agentMs } as const,
    ...(times === undefined ? [] : [{ of: 'ratio', at: 'least', value: times } as const]),
  ];
  const ratio = { to: names.boot, inverse: true };
  return [
    of(names.boot),
    { ...of(names.cli), ratio, bar: bars },
    { ...of(names.api), ratio, bar: bars },
    {
      ...of(names.cliWhole),
      ...(wholeTimes === undefined
        ? {}
        : { ratio: { to: names.cli }, bar: { of: 'ratio', at: 'most', value: wholeTimes } }),
    },
    of(names.apiWhole),
    ...(sevenBoots === undefined
      ? []
      : [
          {
            ...of(names.seven),
            ratio: { to: names.boot },
            bar: { of: 'ratio', at: 'most', value: sevenBoots } as const,
          },
        ]),
  ];
}

function cloneBench(guest: BenchGuest, name: string, bars: Bars): Bench {
  return {
    name,
    about: `${guest.name}: from the command until the agent of an instant clone responds, compared with a cold boot`,
    missing: () => guest.missing(),
    async run(context) {
      return {
        bench: name,
        title: guest.title,
        series: seriesOf(await measure(guest, bars, context), bars),
        notes: [
          'Clones: from before the process of the command starts, or the request, until the first reply of the agent in the clone.',
          'Until it ends: including the new identity of the clone. Cold boot: wall time of the command, including the agent; the',
          'source is paused meanwhile.',
        ],
      };
    },
  };
}

export const clone = cloneBench(tiny, 'clone', { agentMs: 300, sevenBoots: 1 });
export const cloneDebian = cloneBench(debian, 'clone-debian', { agentMs: 400, times: 80, wholeTimes: 3 });
