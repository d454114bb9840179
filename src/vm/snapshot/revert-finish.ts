import { existsSync } from 'node:fs';
import { contentOf, type MachineFile } from '../../store/bundle.ts';
import { checkpointNames, resolveIn } from '../../store/names.ts';
import { readSnapshotFile, writeSnapshotTree } from '../../store/snapshot-file.ts';
import { copySparse } from '../../sys/copy-sparse.ts';
import type { Host } from '../host/host.ts';
import { tidy } from '../layers/tidy.ts';

/** What remains to do of a revert once the `.vmx` is that of the snapshot; may be done again. */
export async function finishRevert(host: Host, file: MachineFile, uid: number): Promise<void> {
  const checkpoint = checkpointNames(file.names, String(uid));
  const nvram = resolveIn(file.names, contentOf(file).spec.firmware.nvram);
  if (existsSync(checkpoint.nvram)) await copySparse(checkpoint.nvram, nvram);
  const found = await readSnapshotFile(file.names);
  if (found.tree.current !== uid) await writeSnapshotTree(file.names, found, { ...found.tree, current: uid });
  await tidy(host, file);
}
