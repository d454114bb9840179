import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { poll } from '../src/core/deadline.ts';
import { Guest } from '../test/support/guest.ts';
import { alternate, type Bench } from './support/bench.ts';
import { benchHome, needTiny, timed } from './support/kame.ts';
import type { Series } from './support/result.ts';

const mebibyte = 1024 * 1024;
const [largeMiB, smallFiles] = [64, 2000];
/** A sample of each kind takes about that long, even on a host that is busy: fewer files or bytes are moved where they take longer. */
const sampleMs = 20_000;
const address = 'http://127.0.0.1:9843/work';
const mount = '/mnt/hgfs/work';
/** Memory of the guest, so that its disk is not measured. */
const memory = '/scratch';

/** Begins a connection: requests go to descriptor 3, and answers come from 4. */
const connect = [
  `cr=$(printf "\\r"); cd ${memory}; rm -f in out; mkfifo in out`,
  'nc 127.0.0.1 9843 < in > out & exec 3> in 4< out',
  'answered() { while read -r line <&4; do [ "$line" = "$cr" ] && return; case "$line" in "HTTP/1.1 "[45]*) echo "$line"; exit 1;; esac; done; exit 1; }',
].join('\n');

/** Something that a guest does with a folder, as often as it is told. */
interface Work {
  readonly name: string;
  /** What it is counted in. */
  readonly of: keyof typeof counts;
  /** A script that does it with so many. */
  readonly script: (count: number) => string;
}

/** The most, and how many a first try has. */
const counts = {
  MiB: { most: largeMiB, first: 1 },
  files: { most: smallFiles, first: 20 },
} as const;

const works: readonly Work[] = [
  {
    name: 'a large file read by WebDAV',
    of: 'MiB',
    script: (count) => `wget -q -O - ${address}/large | head -c ${count * mebibyte} > /dev/null`,
  },
  {
    name: 'a large file read in the mount',
    of: 'MiB',
    script: (count) => `head -c ${count * mebibyte} ${mount}/large > /dev/null`,
  },
  {
    name: 'a large file written by WebDAV',
    of: 'MiB',
    script: (count) => `${connect}
printf 'PUT /work/written HTTP/1.1\\r\\nHost: h\\r\\nContent-Length: ${count * mebibyte}\\r\\n\\r\\n' >&3
head -c ${count * mebibyte} ${memory}/large >&3; answered`,
  },
  {
    // The mount has sent a file when it is closed.
    name: 'a large file written in the mount',
    of: 'MiB',
    script: (count) => `head -c ${count * mebibyte} ${memory}/large > ${mount}/written`,
  },
  {
    name: 'files of 1 KiB read by WebDAV, a connection each',
    of: 'files',
    script: (count) => `seq 0 ${count - 1} | sed 's#^#${address}/small/#' | xargs wget -q -O /dev/null`,
  },
  {
    name: 'files of 1 KiB read in the mount',
    of: 'files',
    script: (count) => `cd ${mount}/small; seq 0 ${count - 1} | xargs cat > /dev/null`,
  },
  {
    name: 'files of 1 KiB written by WebDAV, over one connection',
    of: 'files',
    script: (count) => `${connect}
body=$(cat ${memory}/small); at=0
while [ $at -lt ${count} ]; do
printf 'PUT /work/many/%s HTTP/1.1\\r\\nHost: h\\r\\nContent-Length: 1024\\r\\n\\r\\n%s' $at "$body" >&3
answered; at=$((at + 1)); done`,
  },
  {
    name: 'files of 1 KiB written in the mount',
    of: 'files',
    script: (count) => `cd ${memory}/files; ls | head -n ${count} | xargs sh -c 'cp "$@" ${mount}/many/' sh`,
  },
];

/** How many of a work take about `sampleMs`, by a try with few. */
async function countFor({ of, script }: Work, demo: Guest): Promise<number> {
  const { first, most } = counts[of];
  const ms = await timed(async () => void (await demo.sh(script(first))));
  return Math.max(first, Math.min(most, Math.floor((first * sampleMs) / ms)));
}

/** A folder of this host with the files to read. */
function makeFolder(): { readonly path: string } & Disposable {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'kame-shared-')));
  for (const name of ['small', 'many']) mkdirSync(join(path, name));
  writeFileSync(join(path, 'large'), randomBytes(largeMiB * mebibyte));
  for (let index = 0; index < smallFiles; index += 1)
    writeFileSync(join(path, 'small', `${index}`), randomBytes(512).toString('hex'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

/** Measures shared folders as a guest sees them, with the programs of the tiny image. */
export const shares: Bench = {
  name: 'shares',
  about: 'reading and writing a shared folder in a guest',
  async run(context) {
    await needTiny('aarch64', context.say);
    using folder = makeFolder();
    await using home = await benchHome();
    await home.json('create', 'demo', '--image', 'tiny', '--arch', 'aarch64', '--memory', '1GiB');
    const demo = new Guest(home, 'demo');
    await demo.start();
    await home.json('share', 'add', 'demo', folder.path, '--name', 'work');
    await demo.sh(`mkdir -p ${memory} && mount -t tmpfs -o size=700m shares ${memory}`);
    const reached = async () =>
      (await demo.exec('sh', '-c', `wget -q -O /dev/null ${address}/ && ls ${mount}`)).code === 0 ||
      undefined;
    if (!(await poll(reached, { deadlineMs: 60_000 })))
      throw new Error('The guest does not reach the folder.');
    await demo.sh(
      `cd ${memory} && wget -q -O large ${address}/large && wget -q -O small ${address}/small/0 && mkdir files && head -c ${smallFiles * 1024} /dev/urandom | split -b 1024 -a 3 - files/`,
    );
    const chosen = new Map<string, number>();
    for (const work of works) {
      context.say(`tries ${work.name}`);
      chosen.set(work.name, await countFor(work, demo));
    }
    const countOf = (name: string) => chosen.get(name) ?? 1;
    const kinds = works.map(
      ({ name, script }) =>
        [name, async () => await timed(async () => void (await demo.sh(script(countOf(name)))))] as const,
    );
    const samples = await alternate(Object.fromEntries(kinds), context.runs ?? 3, context);
    const series = works.map(({ name, of }): Series => {
      const times = samples[name] ?? [];
      return of === 'MiB'
        ? { name, unit: 'MiB/s', samples: times.map((ms) => countOf(name) / (ms / 1000)) }
        : { name, unit: 'ms', samples: times.map((ms) => ms / countOf(name)) };
    });
    return {
      bench: 'shares',
      title: 'shared folders by WebDAV and in the mount of kame-tools, ARM64 guest under TCG',
      series,
      notes: works.map(
        ({ name, of }) =>
          `${name}: ${countOf(name)} ${of} in a sample${of === 'files' ? '; the time is that of one' : ''}`,
      ),
    };
  },
};
