import { existsSync } from 'node:fs';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { checkpointNames, resolveIn } from '../../store/names.ts';
import { readSnapshotFile, writeSnapshotTree } from '../../store/snapshot-file.ts';
import { copySparse } from '../../sys/copy-sparse.ts';
import type { Host } from '../host/host.ts';
import { tidy } from '../layers/tidy.ts';

/** What remains to do of a revert once the `.vmx` is that of the snapshot; may be done again. */
export async function finishRevert(host: Host, bundle: Bundle, uid: number): Promise<void> {
  const checkpoint = checkpointNames(bundle.names, String(uid));
  const nvram = resolveIn(bundle.names, contentOf(bundle).model.firmware.nvram);
  if (existsSync(checkpoint.nvram)) await copySparse(checkpoint.nvram, nvram);
  const found = await readSnapshotFile(bundle.names);
  if (found.tree.current !== uid)
    await writeSnapshotTree(bundle.names, found, { ...found.tree, current: uid });
  await tidy(host, bundle);
}
