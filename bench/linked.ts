import { execFileSync } from 'node:child_process';
import type { MachineDetails } from '../src/api/machine.ts';
import type { KameClient } from '../src/client/node/client.ts';
import type { TestHome } from '../test/support/home.ts';
import { alternate, type Bench, type BenchContext } from './support/bench.ts';
import { benchHome, kameWall, needTiny, timed } from './support/kame.ts';

const source = 'source';
const name = 'clone';
/** Data on the disk, beyond the partitions of the guest: a clone might have to read its metadata. */
const pieces = ['2G', '6G', '10G', '14G', '18G'].map((at) => `write -q -P 0x5a ${at} 200M`);

const kinds = {
  cliFirst: 'kame clone --linked, the first one',
  apiFirst: 'API, the first one',
  cli: 'kame clone --linked, further ones',
  api: 'API, further ones',
} as const;

async function makeSource(home: TestHome, say: (text: string) => void): Promise<void> {
  await needTiny('aarch64', say);
  await home.json('create', source, '--image', 'tiny', '--arch', 'aarch64', '--disk', '20GiB');
  const { disks } = await home.json<MachineDetails>('show', source);
  const [disk] = disks;
  if (!disk) throw new Error('The machine has no disk.');
  say('writes');
  const commands = pieces.flatMap((piece) => ['-c', piece]);
  execFileSync('qemu-io', ['-f', 'qcow2', ...commands, disk.path], { stdio: 'ignore' });
}

/** Deletes the snapshot on which linked clones are based, so that the next clone has to take one again. */
async function forgetBase(client: KameClient): Promise<void> {
  for (const { path } of (await client.snapshots.list(source)).toReversed()) {
    await client.snapshots.delete(source, path, { children: false });
  }
}

async function measure(context: BenchContext): Promise<Record<string, number[]>> {
  await using home = await benchHome();
  const client = home.client();
  await makeSource(home, context.say);
  const byCli = () => kameWall(home, 'clone', source, name, '--linked');
  const byApi = async () =>
    await timed(async () => await client.machines.clone(source, { name, kind: 'linked' }));
  const first = async (work: () => number | Promise<number>) => {
    await forgetBase(client);
    return await further(work);
  };
  const further = async (work: () => number | Promise<number>) => {
    const ms = await work();
    await client.machines.delete(name);
    return ms;
  };
  return await alternate(
    {
      [kinds.cliFirst]: async () => await first(byCli),
      [kinds.cli]: async () => await further(byCli),
      [kinds.apiFirst]: async () => await first(byApi),
      [kinds.api]: async () => await further(byApi),
    },
    context.runs ?? 21,
    context,
  );
}

/** Measures linked clones, which share all data written before. */
export const linked: Bench = {
  name: 'linked',
  about: 'a linked clone of a machine with a 20 GiB disk',
  async run(context) {
    const samples = await measure(context);
    const bar = { of: 'median', at: 'most', value: 150 } as const;
    return {
      bench: 'linked',
      title: 'linked clone of a stopped machine, disk of 20 GiB with 1 GB of data',
      series: Object.values(kinds).map((kind) => ({
        name: kind,
        unit: 'ms' as const,
        samples: samples[kind] ?? [],
        bar,
      })),
      notes: [
        'From before the command or request until its end. The first clone takes the snapshot on which all are based.',
      ],
    };
  },
};
