import { dirname } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { moveMap } from '../../disk/move-map.ts';
import type { Bundle } from '../../store/bundle.ts';
import type { Host } from '../host/host.ts';
import { agree } from '../host/outside-files.ts';
import { disksOf } from './dependents.ts';
import { linkedClonesOf } from './linked-clones.ts';
import type { Relinked } from './relink.ts';

/** What was agreed for files, for this machine and for linked clones that show them too, is agreed for their new places. */
async function agreeAgain(
  host: Host,
  bundle: Bundle,
  former: readonly string[],
  originals: readonly string[],
): Promise<void> {
  const clones = (await linkedClonesOf(host, bundle)).all.map(({ vmx }) => vmx);
  for (const vmx of [bundle.names.vmx, ...clones]) {
    const agreed = new Set(await host.inventory.agreedFiles(vmx));
    const files = originals.map((path) => ({ path }));
    if (vmx === bundle.names.vmx || former.every((path) => agreed.has(path))) await agree(host, vmx, files);
  }
}

/**
 * Points the disks that a machine uses in place at their original, which was moved. Every step can be repeated. What cannot be
 * done is in `problems`.
 * @param directory where the files of the original are now; whoever names it agrees that the guest reads them
 */
export async function moveOriginals(host: Host, bundle: Bundle, directory: string): Promise<Relinked> {
  const { name, names } = bundle;
  const found: Relinked = { changes: [], problems: [] };
  if (host.running.get(names.vmx)) {
    found.problems.push(`The original of ${name} can be given only while ${name} is stopped.`);
    return found;
  }
  const own = await disksOf(bundle);
  const files = own.chains.flat().filter(({ path }) => dirname(path) === own.directory);
  const maps = new Map(
    files.flatMap(({ path, originals }) => (originals ? [[path, originals] as const] : [])),
  );
  if (maps.size === 0) found.problems.push(`${name} has no disk that is used in place.`);
  for (const [path, former] of maps) {
    try {
      const originals = await moveMap(path, directory);
      if (!originals) continue;
      await agreeAgain(host, bundle, former, originals);
      found.changes.push(`${path} now shows the files in ${directory}.`);
    } catch (error) {
      found.problems.push(messageOf(error));
    }
  }
  return found;
}
