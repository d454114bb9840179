import { contentOf, type Bundle } from '../../store/bundle.ts';
import { checkpointNames } from '../../store/names.ts';
import { readSnapshotFile, writeSnapshotTree } from '../../store/snapshot-file.ts';
import type { Host, JournalOf } from '../host/host.ts';
import { namesLayers, removeLayerFiles } from '../layers/layers.ts';
import { tidy } from '../layers/tidy.ts';
import { restoreVariables } from '../running/efi-variables.ts';

/** The steps of a revert after the `.vmx` is the snapshot's; they can be repeated. */
export async function finishRevert(host: Host, bundle: Bundle, uid: number): Promise<void> {
  const checkpoint = checkpointNames(bundle.names, String(uid));
  await restoreVariables(bundle, checkpoint);
  const found = await readSnapshotFile(bundle.names);
  if (found.tree.current !== uid)
    await writeSnapshotTree(bundle.names, found, { ...found.tree, current: uid });
  await tidy(host, bundle);
}

/** A revert takes effect when the `.vmx` is written: after that it is finished, before that it is undone. */
export async function recoverRevert(host: Host, bundle: Bundle, journal: JournalOf<'revert'>): Promise<void> {
  if (namesLayers(contentOf(bundle).model, journal.layers)) await finishRevert(host, bundle, journal.uid);
  else await removeLayerFiles(bundle.names, journal.layers);
}
