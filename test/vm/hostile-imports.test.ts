import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { archives, descriptors, otherDisks, vmdks } from '../attack/hostile-files.ts';
import { hungry, type Hungry } from '../attack/hungry-files.ts';
import { descriptor, disk } from '../support/appliances.ts';
import { homeTest } from '../support/home-test.ts';
import { like, refused } from '../support/refused.ts';

/** The most memory that a process has had, in MiB. */
async function peakOf(pid: number): Promise<number> {
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Number(kibibytes) / 1024;
}

/** Puts files into a directory. @returns the path of the first one */
async function put(directory: string, files: Hungry['files']): Promise<string> {
  for (const { name, content, bytes } of files) {
    const path = join(directory, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    if (bytes !== undefined) await truncate(path, bytes);
  }
  return join(directory, files[0]?.name ?? '');
}

const samples: readonly Hungry[] = [...vmdks, ...otherDisks, ...archives, ...descriptors, ...hungry];

homeTest('a daemon refuses all hostile files soon, in 300 MiB, and keeps nothing', async ({ home }) => {
  await home.ask(async (client) => {
    const pid = (await home.daemonPid()) ?? 0;
    // The directory is made with the first machine, or what is left of one.
    const made = async () => await readdir(join(home.path, 'machines')).catch(() => []);
    // How fast guests are is measured once for a host, before the first appliance is read.
    const good = await put(join(home.path, 'good'), [descriptor(), disk]);
    await client.machines.reportImport({ path: good });
    for (const { what, files, message } of samples) {
      const directory = join(home.path, 'hostile');
      const path = await put(directory, files);
      // One that takes longer is cancelled, which is not the reason that is expected.
      const signal = AbortSignal.timeout(20_000);
      const { message: said } = await refused(client.machines.import({ path, name: 'web' }, { signal }));
      const isSmall = (await peakOf(pid)) <= 300;
      expect([what, said, isSmall]).toEqual([what, like(message), true]);
      expect([what, await made()]).toEqual([what, []]);
      await rm(directory, { recursive: true });
    }
  });
});
