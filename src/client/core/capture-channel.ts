import { routes } from '../../api/generated/routes.ts';
import type { CaptureEnd, CaptureRequest } from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import type { Connection } from './connection.ts';
import type { CallOptions } from './options.ts';
import { told } from './told.ts';

export interface CaptureStreams extends CallOptions {
  /** Called for each part of the pcap file, in order, and only after the previous promise has settled. */
  readonly output: (data: Uint8Array) => Promise<void>;
}

/**
 * Captures the frames of an adapter. The signal ends the capture, after what was captured has been passed to `output`.
 * @throws KameError what the daemon reports, DAEMON_UNREACHABLE, and what `output` throws
 */
export async function capture(
  connection: Connection,
  machine: string,
  request: CaptureRequest,
  { signal, output }: CaptureStreams,
): Promise<CaptureEnd> {
  const channel = await connection.open(routes['nics.capture'], { params: { machine } });
  // Errors while sending also end the messages.
  const stop = () => void channel.send(new Uint8Array(0)).catch(() => undefined);
  try {
    await channel.send(JSON.stringify(request));
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
    for await (const message of channel.messages) {
      if (typeof message !== 'string') await output(message);
      else {
        return told<CaptureEnd>(message);
      }
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    channel.close();
  }
  throw new KameError('DAEMON_UNREACHABLE', 'The daemon ended during the capture.', {
    next: 'The file has the frames until then.',
  });
}
