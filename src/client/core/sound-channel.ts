import { routes } from '../../api/generated/routes.ts';
import type { RecordSound, SoundEnd, SoundFormat, SoundMessage } from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import type { Connection } from './connection.ts';
import type { CallOptions } from './options.ts';
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
  const channel = await connection.open(routes['machines.sound'], { params: { machine } });
  // Errors while sending also end the messages.
  const stop = () => void channel.send(new Uint8Array(0)).catch(() => undefined);
  try {
    await channel.send(JSON.stringify(request));
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
    for await (const message of channel.messages) {
      if (typeof message !== 'string') {
        await output(message);
        continue;
      }
      const notice = told<SoundMessage>(message);
      if (notice.type === 'end') return notice;
      if (notice.type === 'format') await format(notice);
      else await silence(notice.frames);
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    channel.close();
  }
  throw new KameError('DAEMON_UNREACHABLE', 'The daemon ended during the recording.', {
    next: 'The file has what was recorded until then.',
  });
}
