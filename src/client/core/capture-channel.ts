import { routes } from '../../api/generated/routes.ts';
import type { CaptureEnd, CaptureRequest } from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import type { Connection } from './connection.ts';
import type { CallOptions } from './options.ts';
import { stoppable } from './stoppable.ts';
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
  const messages = stoppable(connection, routes['nics.capture'], { params: { machine }, request, signal });
  for await (const message of messages) {
    if (typeof message === 'string') return told<CaptureEnd>(message);
    await output(message);
  }
  throw new KameError('DAEMON_UNREACHABLE', 'The daemon ended during the capture.', {
    next: 'The file has the frames until then.',
  });
}
