import { existsSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { type CheckpointNames, resolveIn } from '../../store/names.ts';
import { copySparse } from '../../sys/copy-sparse.ts';
import { fileError } from '../../sys/files.ts';

/** Copies the configuration and the EFI variables into a checkpoint: a revert restores them with the disks and the memory. */
export async function keepConfig(bundle: Bundle, checkpoint: CheckpointNames): Promise<void> {
  const nvram = resolveIn(bundle.names, contentOf(bundle).model.firmware.nvram);
  try {
    await mkdir(checkpoint.directory, { recursive: true, mode: 0o700 });
    await copyFile(bundle.names.vmx, checkpoint.config);
  } catch (error) {
    throw fileError(error, checkpoint.directory);
  }
  if (existsSync(nvram)) await copySparse(nvram, checkpoint.nvram);
}
