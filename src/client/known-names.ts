import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { KameClient } from './client.ts';

/** Milliseconds: a shell waits for this. */
const patienceMs = 1000;
/** As in src/store/names.ts, which a client must not import: what lies here when no daemon can be asked. */
const machinesDirectory = 'machines';
const bundleExtension = '.vmwarevm';

/** Names of machines, for a shell's completion: the daemon's if one runs, else the bundles in the home. */
export async function knownMachines(client: KameClient): Promise<string[]> {
  try {
    return (await client.list({ signal: AbortSignal.timeout(patienceMs) })).map(({ name }) => name);
  } catch {
    const names = await readdir(join(client.home, machinesDirectory)).catch(() => []);
    return names
      .filter((name) => name.endsWith(bundleExtension) && !name.startsWith('.'))
      .map((name) => name.slice(0, -bundleExtension.length));
  }
}

/** Ids of images, for a shell's completion. Without a daemon, only the one that is always there. */
export async function knownImages(client: KameClient): Promise<string[]> {
  try {
    const images = await client.images({ signal: AbortSignal.timeout(patienceMs) });
    return [...new Set(images.map(({ id }) => id))];
  } catch {
    return ['tiny'];
  }
}
