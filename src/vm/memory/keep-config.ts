import { existsSync } from 'node:fs';
import { contentOf, readVmx, type Bundle } from '../../store/bundle.ts';
import { makeCheckpointDirectory } from '../../store/checkpoint.ts';
import { type CheckpointNames, resolveIn } from '../../store/names.ts';
import { copySparse } from '../../sys/copy-sparse.ts';
import { writeFileAtomic } from '../../sys/files.ts';

/** Copies the configuration and the EFI variables into a checkpoint: a revert restores them with the disks and the memory. */
export async function keepConfig(bundle: Bundle, checkpoint: CheckpointNames): Promise<void> {
  const nvram = resolveIn(bundle.names, contentOf(bundle).model.firmware.nvram);
  await makeCheckpointDirectory(checkpoint);
  await writeFileAtomic(checkpoint.config, await readVmx(bundle.names.vmx), 0o600, { sync: false });
  if (existsSync(nvram)) await copySparse(nvram, checkpoint.nvram);
}
