import type { MachineDetails } from '../src/api/machine.ts';
import type { TestHome } from '../test/support/home.ts';
import { BareGuest, bareMachine } from './support/bare-guest.ts';
import type { BareCommand } from './support/bare-engine.ts';
import { alternate, type Bench, type BenchContext } from './support/bench.ts';
import { discard, instantClones } from './support/clones.ts';
import { debian, startSettled, tiny, type BenchGuest } from './support/guests.ts';
import { benchHome, kameWall, timed } from './support/kame.ts';
import { Monitor } from './support/monitor.ts';
import { quiet } from './support/quiet.ts';
import type { Bar, Series } from './support/result.ts';
import { socketDirectory } from './support/tiny-machine.ts';

const source = 'source';
const mark = 'mark';

interface Bars {
  readonly stoppedMs: number;
}

/** How long the guest was paused according to the replies, in addition to the events of QEMU. */
interface Told {
  readonly snapshot: number[];
  readonly clone: number[];
}

interface Sides {
  readonly home: TestHome;
  readonly monitor: Monitor;
  readonly bare: BareGuest;
}

const stops = {
  snapshot: 'stopped by a snapshot, QEMU’s events',
  clone: 'stopped by an instant clone, QEMU’s events',
  savevm: 'stopped by snapshot-save (savevm)',
} as const;

async function measureStops(
  { home, monitor, bare }: Sides,
  context: BenchContext,
  rounds: number,
): Promise<{ samples: Record<string, number[]>; told: Told }> {
  const told: Told = { snapshot: [], clone: [] };
  const client = home.client();
  await bare.pause();
  const samples = await alternate(
    {
      [stops.snapshot]: async () => {
        await quiet(context.signal);
        const label = `round-${told.snapshot.length}`;
        const ms = await monitor.standstill(async () => {
          const { stoppedMs } = await client.snapshots.take(source, { label });
          told.snapshot.push(stoppedMs ?? Number.NaN);
        });
        await client.snapshots.delete(source, label, { children: false });
        return ms;
      },
      [stops.clone]: async () => {
        await quiet(context.signal);
        const ms = await monitor.standstill(async () => {
          const { reply } = await instantClones(home, 'api', { source, name: 'clone' });
          told.clone.push(reply.stoppedMs ?? Number.NaN);
        });
        await discard(client, ['clone']);
        return ms;
      },
      [stops.savevm]: async () => {
        await client.machines.pause(source);
        await bare.unpause();
        await quiet(context.signal);
        const ms = await bare.save('round');
        await bare.deleteSnapshot('round');
        await bare.pause();
        await client.machines.unpause(source);
        return ms;
      },
    },
    rounds,
    context,
  );
  return { samples, told };
}

const restores = {
  api: 'revert, API',
  cli: 'kame snapshot revert',
  stopped: 'revert of the stopped machine, API',
  loadvm: 'new QEMU with -loadvm',
  inPlace: 'running QEMU, snapshot-load (loadvm)',
} as const;

async function measureRestores(
  home: TestHome,
  command: BareCommand,
  context: BenchContext,
  rounds: number,
): Promise<Record<string, number[]>> {
  const client = home.client();
  const inPlace: number[] = [];
  const revert = async () => await timed(async () => await client.snapshots.revert(source, mark, {}));
  const calm = async () => await quiet(context.signal);
  const samples = await alternate(
    {
      [restores.api]: async () => {
        await calm();
        return await revert();
      },
      [restores.cli]: async () => {
        await calm();
        return kameWall(home, 'snapshot', 'revert', source, mark);
      },
      [restores.stopped]: async () => {
        await client.machines.stop(source, { hard: true });
        await calm();
        return await revert();
      },
      [restores.loadvm]: async () => {
        await client.machines.pause(source);
        await calm();
        const ms = await loadvm(command, inPlace, context.signal);
        await client.machines.unpause(source);
        return ms;
      },
    },
    rounds,
    context,
  );
  return { ...samples, [restores.inPlace]: inPlace };
}

/** Starts a new QEMU with `-loadvm`; once it is running, also loads the snapshot in place. */
async function loadvm(command: BareCommand, inPlace: number[], signal: AbortSignal): Promise<number> {
  await using guest = await BareGuest.start(command, signal, mark);
  await quiet(signal);
  inPlace.push(await guest.load(mark, signal));
  return guest.agentMs;
}

function stopSeries(samples: Record<string, number[]>, told: Told, { stoppedMs }: Bars): Series[] {
  const ratio = { to: stops.savevm, inverse: true };
  const pause: Bar = { of: 'median', at: 'most', value: stoppedMs };
  const shorter: Bar = { of: 'ratio', at: 'least', value: 4 };
  const of = (name: string): Pick<Series, 'unit' | 'samples'> => ({
    unit: 'ms',
    samples: samples[name] ?? [],
  });
  return [
    { name: stops.savevm, ...of(stops.savevm) },
    { name: stops.snapshot, ...of(stops.snapshot), ratio, bar: [pause, shorter] },
    { name: 'the same, as the reply says', unit: 'ms', samples: told.snapshot },
    // An instant clone accepts a longer pause for an earlier response, while savevm is a snapshot.
    { name: stops.clone, ...of(stops.clone), ratio, bar: pause },
    { name: 'the same, as the reply says (clone)', unit: 'ms', samples: told.clone },
  ];
}

function restoreSeries(samples: Record<string, number[]>): Series[] {
  const of = (name: string): Series => ({ name, unit: 'ms', samples: samples[name] ?? [] });
  const ratio = { to: restores.loadvm, inverse: true };
  const bar = { of: 'ratio', at: 'least', value: 1.5 } as const;
  return [
    of(restores.loadvm),
    of(restores.inPlace),
    ...[restores.stopped, restores.api, restores.cli].map((name) => ({ ...of(name), ratio, bar })),
  ];
}

async function measure(
  guest: BenchGuest,
  context: BenchContext,
): Promise<{ stop: Awaited<ReturnType<typeof measureStops>>; restore: Record<string, number[]> }> {
  const rounds = context.runs ?? 9;
  await using home = await benchHome();
  await using sockets = await socketDirectory();
  const command = await bareMachine(home, guest, sockets.path, context.say);
  await guest.create(home, source, context.say);
  context.say('boots');
  await startSettled(home, guest, source);
  const client = home.client();
  const { sockets: own } = await client.machines.show(source);
  const stop = await stopsBeside(home, own, { guest, command }, context, rounds);
  await client.snapshots.take(source, { label: mark });
  return { stop, restore: await measureRestores(home, command, context, rounds) };
}

/** Leaves a snapshot `mark` of the bare guest on its disk. */
async function stopsBeside(
  home: TestHome,
  own: MachineDetails['sockets'],
  { guest, command }: { guest: BenchGuest; command: BareCommand },
  context: BenchContext,
  rounds: number,
): ReturnType<typeof measureStops> {
  using monitor = await Monitor.open(own?.monitor ?? '');
  await home.client().machines.pause(source);
  await using bare = await BareGuest.start(command, context.signal);
  await bare.settle(guest);
  await home.client().machines.unpause(source);
  const stop = await measureStops({ home, monitor, bare }, context, rounds);
  await bare.unpause();
  await quiet(context.signal);
  await bare.save(mark);
  return stop;
}

function checkpointBench(guest: BenchGuest, name: string, bars: Bars): Bench {
  return {
    name,
    about: `${guest.name}: how long a guest is paused, and how soon it is restored, compared with savevm and loadvm of QEMU`,
    missing: () => guest.missing(),
    async run(context) {
      const { stop, restore } = await measure(guest, context);
      return {
        bench: name,
        title: guest.title,
        series: [...stopSeries(stop.samples, stop.told, bars), ...restoreSeries(restore)],
        notes: [
          'Stopped: between the STOP and RESUME events on a second monitor, by the clock of QEMU, for all alike.',
          'savevm, loadvm: a bare QEMU with the same devices, anonymous RAM and a qcow2 disk; loadvm is timed from before it',
          'starts until the first reply of the agent. Revert: from before the request or command until it has finished, which is',
          'after that reply; except for "stopped", it ends the running engine. The other guest is paused meanwhile.',
        ],
      };
    },
  };
}

export const checkpoint = checkpointBench(tiny, 'checkpoint', { stoppedMs: 100 });
export const checkpointDebian = checkpointBench(debian, 'checkpoint-debian', { stoppedMs: 400 });
