import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { archives, descriptors, otherDisks, vmdks } from '../attack/hostile-files.ts';
import { hungry, type Hungry } from '../attack/hungry-files.ts';
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

homeTest('a daemon refuses every hostile file soon, and in 300 MiB', async ({ home }) => {
  const client = await home.ask(async (asked) => await Promise.resolve(asked));
  const pid = (await home.daemonPid()) ?? 0;
  for (const [number, { what, files, message }] of samples.entries()) {
    const path = await put(join(home.path, 'hostile', String(number)), files);
    const begun = performance.now();
    const error = await refused(client.machines.import({ path, name: 'web' }));
    const seconds = (performance.now() - begun) / 1000;
    const peak = await peakOf(pid);
    console.log(what, '|', error.message, '|', seconds, peak);
    expect({ what, error }).toMatchObject({ what, error: { message: like(message) } });
    expect([what, seconds < 20, peak <= 300]).toEqual([what, true, true]);
  }
  expect(await client.machines.list()).toEqual([]);
});
