import { KameError, messageOf } from '../../core/errors.ts';
import type { Bundle } from '../../store/bundle.ts';
import { changeSnapshotTree, hasSnapshotFile, readSnapshotFile } from '../../store/snapshot-file.ts';
import { hold, withLock } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { linkedClonesOf, type LinkedClones } from './linked-clones.ts';
import { withoutClones } from './parents.ts';
import { relink, type Relinked } from './relink.ts';

export interface RepairOptions {
  /** The clone's bases are accepted as they are. */
  readonly acceptBase: boolean;
  /** Recorded clones that no longer exist, by the paths of their `.vmx`. */
  readonly forget: readonly string[];
}

const gently: RepairOptions = { acceptBase: false, forget: [] };

/** @throws KameError INVALID_VALUE naming a path at which no clone is recorded, or at which there is one */
function refuseForget(
  bundle: Bundle,
  clones: LinkedClones,
  recorded: ReadonlySet<string>,
  path: string,
): void {
  const isThere = clones.all.some((clone) => clone.vmx === path && clone.isThere);
  if (recorded.has(path) && !isThere) return;
  const why = isThere
    ? 'that clone exists and depends on its disks'
    : 'it has no record of a linked clone there';
  throw new KameError('INVALID_VALUE', `${bundle.name} cannot forget ${path}: ${why}.`, {
    next: isThere
      ? `Delete the clone with kame delete, which also removes the record.`
      : `kame snapshot list ${bundle.name} --json lists the recorded clones.`,
    details: { machine: bundle.name, path },
  });
}

/** Removes the records of clones that no longer depend on a machine, or that are to be forgotten. */
async function cleanRecords(host: Host, bundle: Bundle, forget: readonly string[]): Promise<Relinked> {
  if (!(await hasSnapshotFile(bundle.names)) && forget.length === 0) return { changes: [], problems: [] };
  const { tree } = await readSnapshotFile(bundle.names);
  const clones = await linkedClonesOf(host, bundle);
  const recorded = new Set(tree.snapshots.flatMap((snapshot) => snapshot.clones));
  for (const path of forget) refuseForget(bundle, clones, recorded, path);
  const alive = new Set(clones.all.map(({ vmx }) => vmx));
  const gone = [...recorded].filter((path) => !alive.has(path) || forget.includes(path));
  if (gone.length > 0) await changeSnapshotTree(bundle.names, (now) => withoutClones(now, new Set(gone)));
  const lost = clones.all.filter(({ vmx, isThere }) => !isThere && !forget.includes(vmx));
  return {
    changes: gone.map((path) => `${bundle.name} no longer records the linked clone ${path}.`),
    problems: lost.map(
      ({ vmx }) =>
        `The linked clone ${vmx} is not there. If it was moved, run kame register on it where it is; if it no longer exists, run kame repair ${bundle.name} --forget ${vmx}.`,
    ),
  };
}

/** Relinks the clones of a machine, each while nothing else changes it. */
async function relinkClones(host: Host, bundle: Bundle): Promise<Relinked> {
  const changes: string[] = [];
  const problems: string[] = [];
  for (const { vmx, isThere } of (await linkedClonesOf(host, bundle)).all) {
    if (!isThere || !(await host.inventory.knownPaths()).includes(vmx)) continue;
    const clone = await host.bundles.read(vmx);
    try {
      const request = { verb: 'repair', needs: 'any', settles: false } as const;
      const done = await hold(
        host,
        clone,
        request,
        async (held) => await relinkHeld(host, held.bundle, gently),
      );
      changes.push(...done.changes);
      problems.push(...done.problems);
    } catch (error) {
      problems.push(`${clone.name} was not repaired: ${messageOf(error)}`);
    }
  }
  return { changes, problems };
}

async function relinkHeld(host: Host, bundle: Bundle, { acceptBase }: RepairOptions): Promise<Relinked> {
  if (host.running.get(bundle.names.vmx))
    return await relink(host, bundle, { acceptBase, mayWriteDisks: false });
  return await withLock(bundle, async () => await relink(host, bundle, { acceptBase, mayWriteDisks: true }));
}

/**
 * Re-links a machine that the caller holds with the machines that it builds on and with those that build on it, after any of
 * them was moved. Every step can be repeated.
 * @throws KameError INVALID_VALUE for a clone that cannot be forgotten, BROKEN_MACHINE, DISK_FULL, FILE_ACCESS
 */
export async function repairLinks(
  host: Host,
  bundle: Bundle,
  options: RepairOptions = gently,
): Promise<Relinked> {
  const done = [
    await relinkHeld(host, bundle, options),
    await relinkClones(host, bundle),
    await cleanRecords(host, bundle, options.forget),
  ];
  return {
    changes: done.flatMap(({ changes }) => changes),
    problems: done.flatMap(({ problems }) => problems),
  };
}
