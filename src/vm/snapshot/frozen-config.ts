import { existsSync } from 'node:fs';
import { readBundle, type Bundle } from '../../store/bundle.ts';
import { checkpointNames } from '../../store/names.ts';
import { readSnapshotFile } from '../../store/snapshot-file.ts';
import type { Snapshot } from '../../vmx/snapshots.ts';
import { snapshotOf } from './snapshot-list.ts';

/**
 * A snapshot, and the configuration that the machine had then; the present one if the snapshot has none, as those of VMware.
 * @param reference label, `/a/b` path or `#uid`
 * @throws KameError NO_SUCH_SNAPSHOT
 */
export async function frozenConfig(
  bundle: Bundle,
  reference: string,
): Promise<{ readonly snapshot: Snapshot; readonly config: Bundle }> {
  const snapshot = snapshotOf(bundle, (await readSnapshotFile(bundle.names)).tree, reference);
  const { config } = checkpointNames(bundle.names, String(snapshot.uid));
  return { snapshot, config: existsSync(config) ? await readBundle(config) : bundle };
}
