import type { AutoProtect, AutoProtectEvery, SetAutoProtect } from '../../api/checkpoint.ts';
import { appendLog, contentOf, type Bundle } from '../../store/bundle.ts';
import { readSnapshotFile, writeSnapshotTree } from '../../store/snapshot-file.ts';
import { configure, disable, settingsOf } from '../../vmx/autoprotect.ts';
import type { SnapshotTree } from '../../vmx/snapshots.ts';
import { bundleEvent } from '../host/events.ts';
import { findBundle } from '../host/find.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';

/** The default: affordable on a laptop’s disk, and still covers several days. */
const defaults = { every: '1d', keep: 3 } as const;

/** The choice closest to the interval in a `.vmsd` of VMware, which is in seconds. */
function everyOf(settings: { every: AutoProtectEvery | null; interval: number }): AutoProtectEvery {
  if (settings.every !== null) return settings.every;
  if (settings.interval < 3600) return '30m';
  return settings.interval < 86_400 ? '1h' : '1d';
}

/** Milliseconds of running time until the next snapshot; null while AutoProtect is off. */
function nextInMs(tree: SnapshotTree, unsavedMs: number): number | null {
  if (tree.rollingTiers.length === 0) return null;
  const left = tree.rollingTiers.map(({ interval, timeSinceLast }) => (interval - timeSinceLast) * 1000);
  return Math.max(0, Math.min(...left) - unsavedMs);
}

function describe(host: Host, bundle: Bundle, tree: SnapshotTree): AutoProtect {
  const settings = settingsOf(tree);
  return {
    enabled: settings !== null,
    every: settings ? everyOf(settings) : defaults.every,
    keep: settings?.keep ?? defaults.keep,
    snapshots: tree.snapshots.filter(({ tiers }) => tiers.length > 0).length,
    nextInMs: nextInMs(tree, host.hooks.unsavedRunMs?.(bundle.names.vmx) ?? 0),
  };
}

/** The AutoProtect settings of a machine. @throws KameError NO_SUCH_MACHINE, BROKEN_MACHINE */
export async function autoProtectOf(host: Host, reference: string): Promise<AutoProtect> {
  const bundle = await findBundle(host, reference);
  const { tree } = await readSnapshotFile(bundle.names);
  return describe(host, bundle, tree);
}

/**
 * Turns AutoProtect of a machine on or off, in any state of the machine. Settings that are not given keep their values.
 * After turning it off, its snapshots remain, and none is deleted any more. The settings are in the `.vmsd`, as in VMware; a
 * clone has its own `.vmsd` and does not inherit them.
 * @throws KameError NO_SUCH_MACHINE, BROKEN_MACHINE, BUSY, INVALID_VALUE, DISK_FULL
 */
export async function setAutoProtect(
  host: Host,
  reference: string,
  body: SetAutoProtect,
): Promise<AutoProtect> {
  return await hold(host, reference, 'change', async ({ bundle }) => {
    contentOf(bundle);
    const snapshots = await readSnapshotFile(bundle.names);
    const before = settingsOf(snapshots.tree);
    if (before === null && !body.enabled) return describe(host, bundle, snapshots.tree);
    const every = body.every ?? (before ? everyOf(before) : defaults.every);
    const keep = body.keep ?? before?.keep ?? defaults.keep;
    const tree = body.enabled ? configure(snapshots.tree, { every, keep }) : disable(snapshots.tree);
    await writeSnapshotTree(bundle.names, snapshots, tree);
    const how = body.enabled ? `on: a snapshot every ${every} of running time, ${keep} are kept` : 'off';
    const message = `AutoProtect of ${bundle.name} is ${how}.`;
    await appendLog(bundle.names, message);
    host.events.emit(bundleEvent('machine.changed', bundle, message));
    return describe(host, bundle, tree);
  });
}
