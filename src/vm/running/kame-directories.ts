import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { identityOf } from '../../webdav/share.ts';
import { allBundles } from '../host/find.ts';
import type { Host } from '../host/host.ts';

/** The directories that hold files of Kame, absolute and without links. No guest may get into them. */
export async function kameDirectories(host: Host): Promise<string[]> {
  const { home, machines, images, run, cache, ram } = host.names;
  const bundles = await allBundles(host);
  const named = [home, machines, images, run, cache, ram, ...bundles.map(({ names }) => names.directory)];
  const real = await Promise.all(named.map(async (path) => await realpath(path).catch(() => undefined)));
  return [...new Set(real.filter((path) => path !== undefined))];
}

async function identities(paths: Iterable<string>): Promise<Set<string>> {
  const found = await Promise.all(
    [...paths].map(async (path) => await stat(path, { bigint: true }).catch(() => undefined)),
  );
  return new Set(found.flatMap((each) => (each ? [identityOf(each)] : [])));
}

/** Those directories, and those that lead to them, by their identity. */
export async function kameIdentities(
  host: Host,
): Promise<{ readonly hidden: ReadonlySet<string>; readonly pinned: ReadonlySet<string> }> {
  const directories = await kameDirectories(host);
  const above = new Set<string>();
  for (let path of directories)
    while (path !== dirname(path)) {
      path = dirname(path);
      above.add(path);
    }
  return { hidden: await identities(directories), pinned: await identities(above) };
}
