import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Guest } from '../test/support/guest.ts';
import type { TestHome } from '../test/support/home.ts';
import { alternate, type Bench } from './support/bench.ts';
import { benchHome, kameWall, needTiny, timed } from './support/kame.ts';
import type { Series } from './support/result.ts';

const [largeMiB, agentMiB, smallFiles] = [256, 8, 2000];
const large = { into: `${largeMiB} MiB into the guest`, out: `${largeMiB} MiB out of it` };
const small = {
  into: `${smallFiles} files of 1 KiB into the guest`,
  out: `${smallFiles} files of 1 KiB out of it`,
};
const agent = `${agentMiB} MiB as input of kame exec, through the guest agent`;

/** Files of this host to copy. */
function makeFiles(home: TestHome): { readonly file: string; readonly tree: string; readonly some: string } {
  const [file, tree, some] = ['file', 'tree', 'some'].map((name) => join(home.path, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(file, Buffer.concat([...Array(largeMiB).keys()].map(() => randomBytes(1024 * 1024))));
  writeFileSync(some, randomBytes(agentMiB * 1024 * 1024));
  mkdirSync(tree);
  for (let index = 0; index < smallFiles; index += 1)
    writeFileSync(join(tree, `${index}`), randomBytes(1024));
  return { file, tree, some };
}

/** Speeds in MiB/s, from wall times in ms. */
const speeds = (mib: number, times: readonly number[]) => times.map((ms) => mib / (ms / 1000));

/** Measures `kame copy`, from the start of the command to its end, next to what the guest agent can do. */
export const copy: Bench = {
  name: 'copy',
  about: 'kame copy into a guest and out of it, next to the guest agent',
  async run(context) {
    await needTiny('aarch64', context.say);
    await using home = await benchHome();
    await home.json('create', 'demo', '--image', 'tiny', '--arch', 'aarch64', '--memory', '1GiB');
    const demo = new Guest(home, 'demo');
    await demo.start();
    await demo.sh('mkdir -p /mnt && mount -t tmpfs -o size=700m copies /mnt');
    const { file, tree, some } = makeFiles(home);
    const back = join(home.path, 'back');
    const out = (path: string) => {
      rmSync(back, { recursive: true, force: true });
      return kameWall(home, 'copy', `demo:${path}`, back);
    };
    const samples = await alternate(
      {
        [large.into]: () => kameWall(home, 'copy', file, 'demo:/mnt/file'),
        [large.out]: () => out('/mnt/file'),
        [small.into]: () => kameWall(home, 'copy', tree, 'demo:/mnt/'),
        [small.out]: () => out('/mnt/tree'),
        [agent]: async () =>
          await timed(async () => {
            const words = ['exec', 'demo', '--stdin', '--', 'sh', '-c', 'cat > /mnt/some'];
            const { code, stderr } = await home.kame(words, { input: some });
            if (code !== 0) throw new Error(`kame exec ended with ${code}: ${stderr}`);
          }),
      },
      context.runs ?? 3,
      context,
    );
    const series: Series[] = [
      {
        name: large.into,
        unit: 'MiB/s',
        samples: speeds(largeMiB, samples[large.into] ?? []),
        bar: { of: 'median', at: 'least', value: 57.2 },
      },
      {
        name: large.out,
        unit: 'MiB/s',
        samples: speeds(largeMiB, samples[large.out] ?? []),
        bar: { of: 'median', at: 'least', value: 42.9 },
      },
      { name: small.into, unit: 'ms', samples: samples[small.into] ?? [] },
      { name: small.out, unit: 'ms', samples: samples[small.out] ?? [] },
      { name: agent, unit: 'MiB/s', samples: speeds(agentMiB, samples[agent] ?? []) },
    ];
    return {
      bench: 'copy',
      title: 'speed of copies, the whole command, ARM64 guest under TCG',
      series,
      notes: [],
    };
  },
};
