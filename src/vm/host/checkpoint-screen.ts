import { settledWithin } from '../../core/deadline.ts';
import type { Progress } from '../../core/progress.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { makeCheckpointDirectory } from '../../store/checkpoint.ts';
import type { CheckpointNames } from '../../store/names.ts';
import { readOwnIfThere } from '../../sys/own-file.ts';
import { takePicture } from './picture.ts';
import type { Running } from './running.ts';

/** Milliseconds that the picture may take. A checkpoint without one is as good. */
const pictureMs = 1000;
/** The most that is read of a picture, in bytes: one of 8K without compression has as many. */
const maxPictureBytes = 128 * 1024 * 1024;

/** Keeps a picture of the display with a checkpoint, if there is one. Call it while the guest still runs. */
export async function keepScreen(
  bundle: Bundle,
  machine: Running,
  checkpoint: CheckpointNames,
  progress: Progress,
): Promise<void> {
  if (!contentOf(bundle).model.display.present) return;
  await makeCheckpointDirectory(checkpoint);
  await settledWithin(takePicture(machine, checkpoint.screen, progress), pictureMs);
}

/** The picture that was kept with a checkpoint, as PNG; undefined if there is none. @throws KameError FILE_ACCESS */
export async function keptScreen(checkpoint: CheckpointNames): Promise<Buffer | undefined> {
  return await readOwnIfThere(checkpoint.screen, { maxBytes: maxPictureBytes });
}
