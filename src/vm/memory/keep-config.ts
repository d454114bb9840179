import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { contentOf, readVmx, type Bundle } from '../../store/bundle.ts';
import { makeCheckpointDirectory } from '../../store/checkpoint.ts';
import { type CheckpointNames, resolveIn } from '../../store/names.ts';
import { copySparse } from '../../sys/copy-sparse.ts';
import { writeFileAtomic } from '../../sys/files.ts';

/** Copies the configuration and the EFI variables into a checkpoint: a revert restores them with the disks and the memory. */
export async function keepConfig(bundle: Bundle, checkpoint: CheckpointNames): Promise<void> {
  const { firmware, kame } = contentOf(bundle).model;
  const nvram = resolveIn(bundle.names, firmware.nvram);
  await makeCheckpointDirectory(checkpoint);
  await writeFileAtomic(checkpoint.config, await readVmx(bundle.names.vmx), 0o600, { sync: false });
  // The person has agreed to a link that leads out of the bundle.
  if (!kame.directBoot && existsSync(nvram)) await copySparse(await realpath(nvram), checkpoint.nvram);
}
