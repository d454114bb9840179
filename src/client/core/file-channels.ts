import { routes } from '../../api/generated/routes.ts';
import type { GetFiles, GetMessage, PutFiles, PutMessage } from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import type { Connection } from './connection.ts';
import type { CallOptions } from './options.ts';
import { sendBytes } from './send-bytes.ts';
import { stoppable } from './stoppable.ts';
import { told } from './told.ts';

interface Waiting extends CallOptions {
  /** Told when the guest agent does not answer for 2 s. */
  readonly waiting?: (stage: string) => void;
}

export interface PutStreams extends Waiting {
  /** A tar archive. */
  readonly archive: AsyncIterable<Uint8Array>;
  /** Told how many bytes of the archive the guest has. */
  readonly progress?: (bytes: number) => void;
}

export interface GetStreams extends Waiting {
  /**
   * Called for each part of the tar archive, in order, and only after the previous promise has settled. The guest made the
   * archive: do not trust the names in it.
   */
  readonly output: (data: Uint8Array) => Promise<void>;
}

/** What was copied into a guest. */
export interface PutResult {
  readonly files: number;
  /** In the files. */
  readonly bytes: number;
}

/** Files of the guest of a machine. */
export interface FileChannels {
  /** Copies a tar archive into the guest. The signal cancels the copy; resolves or throws when that is undone. */
  put(machine: string, request: PutFiles, streams: PutStreams): Promise<PutResult>;
  /** Copies a file or directory out of the guest, as a tar archive. @returns its size in bytes */
  get(machine: string, request: GetFiles, streams: GetStreams): Promise<number>;
}

function lost(): KameError {
  return new KameError('DAEMON_UNREACHABLE', 'The daemon ended during the copy.', {
    next: 'Copy again. A part of the copy may be in the guest, in a directory .kame-copy-… beside its place.',
  });
}

/** The error of a copy that was cancelled: the daemon's, if it says what is left in the guest. */
function cancelled(cause?: unknown): KameError {
  if (cause instanceof KameError && cause.code === 'CANCELLED') return cause;
  return new KameError('CANCELLED', 'The copy was cancelled.', { cause });
}

/** @throws KameError what the daemon or the guest reports, DAEMON_UNREACHABLE, CANCELLED; what the archive throws */
export async function putFiles(
  connection: Connection,
  machine: string,
  request: PutFiles,
  streams: PutStreams,
): Promise<PutResult> {
  const channel = await connection.open(routes['files.put'], { params: { machine } });
  let failure: { readonly error: unknown } | undefined;
  try {
    await channel.send(JSON.stringify(request));
    const sending = sendBytes(channel, streams.archive, streams.signal).catch(
      (error: unknown) => void (failure = { error }),
    );
    for await (const message of channel.messages) {
      const notice = told<PutMessage>(message);
      if (notice.type === 'progress') streams.progress?.(notice.bytes);
      else if (notice.type === 'waiting') streams.waiting?.(notice.stage);
      else return { files: notice.files, bytes: notice.bytes };
    }
    await sending;
  } catch (error) {
    if (streams.signal?.aborted) throw cancelled(error);
    // The archive that could not be made is the reason why the daemon found it incomplete.
    throw failure ? failure.error : error;
  } finally {
    channel.close();
  }
  throw lost();
}

/** @throws KameError what the daemon or the guest reports, DAEMON_UNREACHABLE, CANCELLED; what `output` throws */
export async function getFiles(
  connection: Connection,
  machine: string,
  request: GetFiles,
  { signal, output, waiting }: GetStreams,
): Promise<number> {
  const messages = stoppable(connection, routes['files.get'], { params: { machine }, request, signal });
  try {
    for await (const message of messages) {
      if (typeof message !== 'string') {
        await output(message);
        continue;
      }
      const notice = told<GetMessage>(message);
      if (notice.type === 'waiting') waiting?.(notice.stage);
      else return notice.bytes;
    }
  } catch (error) {
    if (signal?.aborted) throw cancelled(error);
    throw error;
  }
  throw lost();
}
