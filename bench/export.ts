import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { alternate, type Bench, type BenchContext } from './support/bench.ts';
import { benchHome, kameWall, timed } from './support/kame.ts';
import { peakMb } from './support/process-usage.ts';
import { makeHalfFullDisk } from './support/realistic-disk.ts';

const diskMiB = 2048;
const names = { kame: 'kame export to an OVA', tools: 'qemu-img convert, then tar' };

/** A directory that is empty before each run. */
function freshDirectory(path: string): string {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path);
  return path;
}

/** A streamOptimized VMDK and an archive of it, as people make an OVA without Kame. */
async function byTools(disk: string, directory: string): Promise<number> {
  const vmdk = join(freshDirectory(directory), 'demo-disk1.vmdk');
  const convert = ['convert', '-f', 'qcow2', '-O', 'vmdk', '-o', 'subformat=streamOptimized', disk, vmdk];
  return await timed(async () => {
    execFileSync('qemu-img', convert);
    execFileSync('tar', ['-C', directory, '-cf', join(directory, 'demo.ova'), 'demo-disk1.vmdk']);
    await Promise.resolve();
  });
}

async function measure(context: BenchContext) {
  await using home = await benchHome();
  const [raw, disk] = [join(home.path, 'disk.raw'), join(home.path, 'disk.qcow2')];
  context.say('making the disk');
  makeHalfFullDisk(raw, diskMiB);
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, disk]);
  rmSync(raw);
  await home.json('create', 'demo', '--image', disk, '--guest-os', 'debian12-64');
  const out = join(home.path, 'out');
  const ova = join(out, 'demo.ova');
  const samples = await alternate(
    {
      [names.kame]: () => {
        freshDirectory(out);
        return kameWall(home, 'export', 'demo', ova);
      },
      [names.tools]: async () => await byTools(disk, join(home.path, 'tools')),
    },
    context.runs ?? 5,
    context,
  );
  const pid = await home.daemonPid();
  if (pid === undefined) throw new Error('No daemon is running.');
  return { samples, peak: peakMb(pid), ovaMb: statSync(ova).size / 1e6 };
}

/** Measures how fast a machine becomes an appliance. */
export const exporting: Bench = {
  name: 'export',
  about: 'kame export of a machine with a disk of 2 GiB, half full, against qemu-img and tar',
  missing: () => (process.platform === 'linux' ? null : 'The peak of memory is only known on Linux.'),
  async run(context) {
    const { samples, peak, ovaMb } = await measure(context);
    return {
      bench: 'export',
      title: `a machine with a disk of ${diskMiB / 1024} GiB, half full, becomes an OVA of ${Math.round(ovaMb)} MB`,
      series: [
        {
          name: names.kame,
          unit: 'ms',
          samples: samples[names.kame] ?? [],
          ratio: { to: names.tools },
          bar: { of: 'ratio', at: 'most', value: 1 },
        },
        { name: names.tools, unit: 'ms', samples: samples[names.tools] ?? [] },
        {
          name: 'most memory of the daemon',
          unit: 'MB',
          samples: [peak],
          bar: { of: 'max', at: 'most', value: 300 },
        },
      ],
      notes: [
        'kame export: the whole command. It also makes the manifest with the SHA-256 of the disk, and its file is on the medium when it ends; the others do neither.',
      ],
    };
  },
};
