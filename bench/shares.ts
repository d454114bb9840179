import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { poll } from '../src/core/deadline.ts';
import { Guest } from '../test/support/guest.ts';
import { alternate, type Bench } from './support/bench.ts';
import { benchHome, needTiny, timed } from './support/kame.ts';
import type { Series } from './support/result.ts';

const [largeMiB, smallFiles] = [64, 2000];
const address = 'http://127.0.0.1:9843/work';
const mount = '/mnt/hgfs/work';
/** Memory of the guest, so that its disk is not measured. */
const memory = '/scratch';
const names = {
  read: `a file of ${largeMiB} MiB read by WebDAV`,
  readMounted: `a file of ${largeMiB} MiB read in the mount`,
  write: `a file of ${largeMiB} MiB written by WebDAV`,
  writeMounted: `a file of ${largeMiB} MiB written in the mount`,
  readSmall: `${smallFiles} files of 1 KiB read by WebDAV, a connection each`,
  readSmallMounted: `${smallFiles} files of 1 KiB read in the mount`,
  writeSmall: `${smallFiles} files of 1 KiB written by WebDAV, over one connection`,
  writeSmallMounted: `${smallFiles} files of 1 KiB written in the mount`,
};
const large: readonly string[] = [names.read, names.readMounted, names.write, names.writeMounted];

/** Begins a connection: requests go to descriptor 3, and answers come from 4. */
const connect = [
  `cr=$(printf "\\r"); cd ${memory}; rm -f in out; mkfifo in out`,
  'nc 127.0.0.1 9843 < in > out & exec 3> in 4< out',
  'answered() { while read -r line <&4; do [ "$line" = "$cr" ] && return; case "$line" in "HTTP/1.1 "[45]*) echo "$line"; exit 1;; esac; done; exit 1; }',
].join('\n');

const scripts = {
  [names.read]: `wget -q -O /dev/null ${address}/large`,
  [names.write]: `${connect}
printf 'PUT /work/written HTTP/1.1\\r\\nHost: h\\r\\nContent-Length: ${largeMiB * 1024 * 1024}\\r\\n\\r\\n' >&3
cat ${memory}/large >&3; answered`,
  // The mount has sent a file when it is closed.
  [names.readMounted]: `cat ${mount}/large > /dev/null`,
  [names.writeMounted]: `cp ${memory}/large ${mount}/written`,
  [names.readSmallMounted]: `cat ${mount}/small/* > /dev/null`,
  [names.writeSmallMounted]: `cp ${memory}/files/* ${mount}/many/`,
  [names.readSmall]: `seq 0 ${smallFiles - 1} | sed 's#^#${address}/small/#' | xargs wget -q -O /dev/null`,
  [names.writeSmall]: `${connect}
body=$(cat ${memory}/small); at=0
while [ $at -lt ${smallFiles} ]; do
printf 'PUT /work/many/%s HTTP/1.1\\r\\nHost: h\\r\\nContent-Length: 1024\\r\\n\\r\\n%s' $at "$body" >&3
answered; at=$((at + 1)); done`,
};

/** A folder of this host with the files to read. */
function makeFolder(): { readonly path: string } & Disposable {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'kame-shared-')));
  for (const name of ['small', 'many']) mkdirSync(join(path, name));
  writeFileSync(join(path, 'large'), randomBytes(largeMiB * 1024 * 1024));
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
      `cd ${memory} && wget -q -O large ${address}/large && wget -q -O small ${address}/small/0 && mkdir files && cp ${mount}/small/* files/`,
    );
    const works = Object.entries(scripts).map(
      ([name, script]) => [name, async () => await timed(async () => void (await demo.sh(script)))] as const,
    );
    const samples = await alternate(Object.fromEntries(works), context.runs ?? 3, context);
    const series = Object.keys(scripts).map((name): Series => {
      const times = samples[name] ?? [];
      return large.includes(name)
        ? { name, unit: 'MiB/s', samples: times.map((ms) => largeMiB / (ms / 1000)) }
        : { name, unit: 'ms', samples: times };
    });
    return {
      bench: 'shares',
      title: 'shared folders by WebDAV and in the mount of kame-tools, ARM64 guest under TCG',
      series,
      notes: [],
    };
  },
};
