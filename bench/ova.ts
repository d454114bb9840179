import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeAppliance } from './support/appliance.ts';
import { alternate, type Bench } from './support/bench.ts';
import { benchHome, kameWall, timed } from './support/kame.ts';
import { peakMb } from './support/process-usage.ts';

const diskMiB = 2048;
const names = { kame: 'kame import', tools: 'tar x, then qemu-img convert' };

/** Measures how fast an appliance becomes a machine. */
export const ova: Bench = {
  name: 'ova',
  about: 'kame import of an OVA with a disk of 2 GiB, half full, against tar and qemu-img',
  missing: () => (process.platform === 'linux' ? null : 'The peak of memory is only known on Linux.'),
  async run(context) {
    await using home = await benchHome();
    const directory = join(home.path, 'appliance');
    mkdirSync(directory);
    context.say('making the appliance');
    const path = makeAppliance(directory, diskMiB);
    const unpacked = join(directory, 'unpacked');
    await home.json('list');
    const pid = await home.daemonPid();
    if (pid === undefined) throw new Error('No daemon is running.');
    const samples = await alternate(
      {
        [names.kame]: async () => {
          const ms = kameWall(home, 'import', path, 'web');
          await home.json('delete', 'web', '--yes');
          return ms;
        },
        [names.tools]: async () => {
          mkdirSync(unpacked);
          const vmdk = join(unpacked, 'web-disk1.vmdk');
          const ms = await timed(async () => {
            execFileSync('tar', ['-xf', path, '-C', unpacked]);
            execFileSync('qemu-img', [
              'convert',
              '-f',
              'vmdk',
              '-O',
              'qcow2',
              vmdk,
              join(unpacked, 'disk.qcow2'),
            ]);
            await Promise.resolve();
          });
          rmSync(unpacked, { recursive: true });
          return ms;
        },
      },
      context.runs ?? 5,
      context,
    );
    return {
      bench: 'ova',
      title: `an OVA of ${Math.round(statSync(path).size / 1e6)} MB becomes a machine, ${diskMiB / 1024} GiB disk, half full`,
      series: [
        {
          name: names.kame,
          unit: 'ms',
          samples: samples[names.kame] ?? [],
          ratio: { to: names.tools, inverse: true },
          bar: { of: 'ratio', at: 'least', value: 1.5 },
        },
        { name: names.tools, unit: 'ms', samples: samples[names.tools] ?? [] },
        {
          name: 'most memory of the daemon',
          unit: 'MB',
          samples: [peakMb(pid)],
          bar: { of: 'max', at: 'most', value: 300 },
        },
      ],
      notes: [
        'kame import: the whole command. It verifies the SHA-256 of the disk, and its machine is on the medium when it ends; the others do neither.',
      ],
    };
  },
};
