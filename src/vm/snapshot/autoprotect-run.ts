import { KameError, messageOf } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { appendLog, type Bundle } from '../../store/bundle.ts';
import { readSnapshotFile, writeSnapshotTree } from '../../store/snapshot-file.ts';
import { due, expired, taken, tick } from '../../vmx/autoprotect.ts';
import type { SnapshotTree } from '../../vmx/snapshots.ts';
import { bundleEvent } from '../host/events.ts';
import type { Host } from '../host/host.ts';
import { deleteListed, refuseDelete } from './delete.ts';
import { take } from './take.ts';

/** Reports what AutoProtect did, or failed to do, as an event and in the machine’s log. */
export async function emitAutoProtect(host: Host, bundle: Bundle, message: string): Promise<void> {
  await appendLog(bundle.names, `AutoProtect: ${message}`);
  host.events.emit(bundleEvent('machine.changed', bundle, `AutoProtect of ${bundle.name}: ${message}`));
}

/**
 * Advances the clocks of a machine’s tiers in its `.vmsd`; the caller holds the machine.
 * @param seconds an integer
 */
export async function saveTime(bundle: Bundle, seconds: number): Promise<void> {
  const found = await readSnapshotFile(bundle.names);
  const tree = tick(found.tree, seconds);
  if (tree !== found.tree) await writeSnapshotTree(bundle.names, found, tree);
}

/** `AutoProtect Snapshot 2026-03-01 14:05:09`, in the host’s local time, as in VMware; with a number if the label is taken. */
export function labelFor(tree: SnapshotTree, now: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const date = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  const time = `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`;
  const label = `AutoProtect Snapshot ${date} ${time}`;
  const used = new Set(tree.snapshots.map(({ displayName }) => displayName));
  let number = 1;
  let unique = label;
  while (used.has(unique)) unique = `${label} (${(number += 1)})`;
  return unique;
}

/** Takes a snapshot with memory, as Fusion does, or only of the disks if a device blocks saving the memory. */
async function takeBest(
  host: Host,
  bundle: Bundle,
  options: { readonly label: string; readonly tiers: readonly number[] },
  progress: Progress,
): Promise<number> {
  const common = { ...options, description: '', quiesce: false };
  try {
    return (await take(host, bundle, { ...common, withMemory: true }, progress)).snapshot.uid;
  } catch (error) {
    if (!(error instanceof KameError) || error.code !== 'CHECKPOINT_BLOCKED') throw error;
    await appendLog(bundle.names, `AutoProtect: ${options.label} includes only the disks. ${error.message}`);
    const fresh = await host.bundles.read(bundle.names.vmx);
    return (await take(host, fresh, { ...common, withMemory: false }, progress)).snapshot.uid;
  }
}

/**
 * Takes the snapshot that is due, if any; the caller holds the machine, which is running.
 * @throws KameError DISK_FULL, ENGINE_*, BAD_IMAGE, CANCELLED
 */
export async function takeDue(host: Host, bundle: Bundle, now: Date, progress: Progress): Promise<void> {
  const { tree } = await readSnapshotFile(bundle.names);
  const tiers = due(tree)?.tiers;
  if (!tiers) return;
  const label = labelFor(tree, now);
  const uid = await takeBest(host, bundle, { label, tiers }, progress);
  const after = await readSnapshotFile(bundle.names);
  await writeSnapshotTree(bundle.names, after, taken(after.tree, uid, tiers));
  await emitAutoProtect(host, bundle, `${label} was taken.`);
}

/**
 * Deletes automatic snapshots in excess of the limit, the oldest first; the caller holds the machine. Snapshots with linked
 * clones are kept, and so are those that a person has renamed.
 * @throws KameError DISK_FULL, ENGINE_*
 */
export async function deleteExpired(host: Host, found: Bundle, progress: Progress): Promise<void> {
  for (const uid of expired((await readSnapshotFile(found.names)).tree)) {
    const bundle = await host.bundles.read(found.names.vmx);
    const { tree } = await readSnapshotFile(bundle.names);
    const snapshot = tree.snapshots.find((each) => each.uid === uid);
    if (!snapshot) continue;
    try {
      await refuseDelete(host, bundle, [snapshot]);
    } catch (error) {
      host.log('An automatic snapshot was not deleted', { machine: bundle.name, reason: messageOf(error) });
      continue;
    }
    const notes = await deleteListed(host, bundle, [snapshot], progress);
    await emitAutoProtect(host, bundle, [`${snapshot.displayName} was deleted.`, ...notes].join(' '));
  }
}
