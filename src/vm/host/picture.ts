import { deadlineSignal } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { pngFromRgb } from '../../qemu/png.ts';
import { readPicture } from '../../qemu/rfb/picture.ts';
import { writeFileAtomic } from '../../sys/files.ts';
import type { Running } from './running.ts';

/** Milliseconds for a picture by VNC. */
const pictureMs = 10_000;

/**
 * Writes what a machine's first display shows as PNG. QEMU itself takes no picture of a display with 3D, whose content is in the
 * renderer (7.2 and 10.0), but its VNC server shows it.
 * @throws KameError ENGINE_FAILED, ENGINE_TIMEOUT, CANCELLED, FILE_ACCESS
 */
export async function takePicture(machine: Running, file: string, progress: Progress): Promise<void> {
  if (machine.record.graphics?.accelerated !== true) {
    await machine.engine.for(progress).screenshot(file);
    return;
  }
  using deadline = deadlineSignal(pictureMs, progress.signal);
  try {
    await writeFileAtomic(file, await pngFromRgb(await readPicture(machine.vncSocket, deadline.signal)));
  } catch (error) {
    if (progress.signal.aborted)
      throw new KameError('CANCELLED', `The screenshot of ${machine.name} was cancelled.`);
    if (!deadline.signal.aborted) throw error;
    const message = `The display of ${machine.name} was not sent within ${pictureMs / 1000} s.`;
    throw new KameError('ENGINE_TIMEOUT', message);
  }
}
