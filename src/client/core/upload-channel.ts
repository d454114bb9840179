import { routes } from '../../api/generated/routes.ts';
import type {
  Image,
  SendUpload,
  SendUploadMessage,
  UploadImage,
  UploadMessage,
} from '../../api/generated/shapes.ts';
import type { Route } from '../../api/route.ts';
import { KameError } from '../../core/errors.ts';
import type { Connection } from './connection.ts';
import { told } from './told.ts';

export interface UploadStreams {
  /** Gives the bytes from one up to another; fewer if they are in several files, but at least one. */
  readonly read: (from: number, to: number) => Promise<Uint8Array>;
  /** Called with the number of bytes that the daemon has. */
  readonly progress?: (bytes: number) => void;
  /** Ends the upload. What the daemon has is kept for the next one of the same files. */
  readonly signal?: AbortSignal | undefined;
}

export interface ImageUploadStreams extends UploadStreams {
  /** Called when the daemon has the whole file and imports it. */
  readonly importing?: (stage: string) => void;
}

/** Bytes of a message: the daemon takes at most 1 MiB. */
const messageBytes = 512 * 1024;
/** The most bytes that are on their way: what a slow disk of the daemon makes the client keep in memory. */
const windowBytes = 16 * 1024 * 1024;

/** How many bytes the daemon has, if a message says so. */
function bytesIn(notice: UploadMessage | SendUploadMessage): number | undefined {
  if (notice.type === 'ready') return notice.offset;
  return notice.type === 'progress' ? notice.bytes : undefined;
}

/**
 * Sends bytes to the daemon, from where an earlier upload of them ended.
 * @returns the messages of the daemon that are not about these bytes, until it closes the connection
 * @throws KameError what the daemon reports, DAEMON_UNREACHABLE, CANCELLED; what `read` throws
 */
async function* upload<Notice extends UploadMessage | SendUploadMessage>(
  connection: Connection,
  route: Route,
  request: { readonly body: object; readonly sizeBytes: number },
  { read, progress, signal }: UploadStreams,
): AsyncGenerator<Exclude<Notice, { type: 'error' }>> {
  const { body, sizeBytes } = request;
  const channel = await connection.open(route, {});
  const stop = () => channel.close();
  signal?.addEventListener('abort', stop, { once: true });
  let sent = 0;
  const sendUpTo = async (limit: number) => {
    while (sent < Math.min(limit, sizeBytes)) {
      const part = await read(sent, Math.min(sent + messageBytes, sizeBytes));
      // A daemon that gives up closes the connection. Its last message, which says why, is still to be read.
      if (
        !(await channel.send(part).then(
          () => true,
          () => false,
        ))
      )
        return;
      sent += part.length;
    }
  };
  try {
    signal?.throwIfAborted();
    await channel.send(JSON.stringify(body));
    for await (const message of channel.messages) {
      const notice = told<Notice>(message);
      const there = bytesIn(notice);
      if (there === undefined) yield notice;
      else {
        if (notice.type === 'ready') sent = there;
        progress?.(there);
        await sendUpTo(there + windowBytes);
      }
    }
  } catch (error) {
    if (signal?.aborted) throw new KameError('CANCELLED', 'The upload was cancelled.', { cause: error });
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    channel.close();
  }
}

/** Why the last message of an upload did not come. */
function unfinished({ signal }: UploadStreams): KameError {
  if (signal?.aborted) return new KameError('CANCELLED', 'The upload was cancelled.');
  return new KameError('DAEMON_UNREACHABLE', 'The daemon ended during the upload.', {
    next: 'Upload the same files again: it goes on where it broke off.',
  });
}

/**
 * Sends an image file to the daemon.
 * @throws KameError as upload
 */
export async function uploadImage(
  connection: Connection,
  body: UploadImage,
  { importing, ...streams }: ImageUploadStreams,
): Promise<Image> {
  const request = { body, sizeBytes: body.sizeBytes };
  for await (const notice of upload<UploadMessage>(connection, routes['images.upload'], request, streams)) {
    if (notice.type === 'end') return notice.image;
    if (notice.type === 'importing') importing?.(notice.stage);
  }
  throw unfinished(streams);
}

/**
 * Sends the files of a machine, an appliance or a disk, one after the other.
 * @returns the path by which machines.import finds them
 * @throws KameError as upload
 */
export async function sendUpload(
  connection: Connection,
  body: SendUpload,
  streams: UploadStreams,
): Promise<string> {
  const sizeBytes = body.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const request = { body, sizeBytes };
  for await (const notice of upload<SendUploadMessage>(connection, routes['uploads.send'], request, streams))
    if (notice.type === 'end') return notice.path;
  throw unfinished(streams);
}
