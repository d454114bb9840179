import { routes } from '../../api/generated/routes.ts';
import type { RecordSound, SoundEnd, SoundFormat, SoundMessage } from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import type { Connection } from './connection.ts';
import type { CallOptions } from './options.ts';
import { stoppable } from './stoppable.ts';
import { told } from './told.ts';

export interface SoundStreams extends CallOptions {
  /** Called first. */
  readonly format: (format: SoundFormat) => Promise<void>;
  /** Called for each piece of sound, in order. No callback is called before the promise of the one before has settled. */
  readonly output: (samples: Uint8Array) => Promise<void>;
  /** Called for so many frames of silence. */
  readonly silence: (frames: number) => Promise<void>;
}

/**
 * Records the sound of a guest. The signal ends the recording, after what was recorded has been passed on.
 * @throws KameError what the daemon reports, DAEMON_UNREACHABLE, and what the callbacks throw
 */
export async function recordSound(
  connection: Connection,
  machine: string,
  request: RecordSound,
  { signal, format, output, silence }: SoundStreams,
): Promise<SoundEnd> {
  const messages = stoppable(connection, routes['machines.sound'], { params: { machine }, request, signal });
  for await (const message of messages) {
    if (typeof message !== 'string') {
      await output(message);
      continue;
    }
    const notice = told<SoundMessage>(message);
    if (notice.type === 'end') return notice;
    if (notice.type === 'format') await format(notice);
    else await silence(notice.frames);
  }
  throw new KameError('DAEMON_UNREACHABLE', 'The daemon ended during the recording.', {
    next: 'The file has what was recorded until then.',
  });
}
