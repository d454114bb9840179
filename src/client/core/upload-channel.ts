import { routes } from '../../api/generated/routes.ts';
import type { Image, UploadImage, UploadMessage } from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import type { Connection } from './connection.ts';
import { told } from './told.ts';

export interface UploadStreams {
  /** Gives a part of the file, from a byte up to another one. */
  readonly read: (from: number, to: number) => Promise<Uint8Array>;
  /** Called with the number of bytes that the daemon has. */
  readonly progress?: (bytes: number) => void;
  /** Called when the daemon has the whole file and imports it. */
  readonly importing?: (stage: string) => void;
  /** Ends the upload. What the daemon has is kept for the next one of the same file. */
  readonly signal?: AbortSignal | undefined;
}

/** Bytes of a message: the daemon takes at most 1 MiB. */
const messageBytes = 512 * 1024;
/** The most bytes that are on their way: what a slow disk of the daemon makes the client keep in memory. */
const windowBytes = 16 * 1024 * 1024;

/**
 * Sends an image file to the daemon, from where an earlier upload of it ended.
 * @throws KameError what the daemon reports, DAEMON_UNREACHABLE, CANCELLED; what `read` throws
 */
export async function uploadImage(
  connection: Connection,
  request: UploadImage,
  { read, progress, importing, signal }: UploadStreams,
): Promise<Image> {
  const channel = await connection.open(routes['images.upload'], {});
  const stop = () => channel.close();
  signal?.addEventListener('abort', stop, { once: true });
  let sent = 0;
  const sendUpTo = async (limit: number) => {
    while (sent < Math.min(limit, request.sizeBytes)) {
      const to = Math.min(sent + messageBytes, request.sizeBytes);
      await channel.send(await read(sent, to));
      sent = to;
    }
  };
  try {
    signal?.throwIfAborted();
    await channel.send(JSON.stringify(request));
    for await (const message of channel.messages) {
      const notice = told<UploadMessage>(message);
      if (notice.type === 'end') return notice.image;
      if (notice.type === 'importing') importing?.(notice.stage);
      if (notice.type === 'ready') sent = notice.offset;
      const there =
        notice.type === 'ready' ? notice.offset : notice.type === 'progress' ? notice.bytes : undefined;
      if (there === undefined) continue;
      progress?.(there);
      await sendUpTo(there + windowBytes);
    }
  } catch (error) {
    if (signal?.aborted) throw new KameError('CANCELLED', 'The upload was cancelled.', { cause: error });
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    channel.close();
  }
  if (signal?.aborted) throw new KameError('CANCELLED', 'The upload was cancelled.');
  throw new KameError('DAEMON_UNREACHABLE', 'The daemon ended during the upload.', {
    next: 'Upload the same file again: it goes on where it broke off.',
  });
}
