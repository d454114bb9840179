import { routes } from '../../api/generated/routes.ts';
import type {
  DroppedPlace,
  DropMessage,
  GetFiles,
  GetMessage,
  PutFiles,
  PutMessage,
} from '../../api/generated/shapes.ts';
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

export interface ArchiveStreams extends CallOptions {
  /** A tar archive. */
  readonly archive: AsyncIterable<Uint8Array>;
  /** Told how many bytes of the archive the guest has. */
  readonly progress?: (bytes: number) => void;
}

export type PutStreams = ArchiveStreams & Waiting;

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
  /**
   * Drops the files of a tar archive, which has no directories, into the session of the guest's desktop. The signal cancels; files before
   * it are there.
   */
  drop(machine: string, streams: ArchiveStreams): Promise<readonly DroppedPlace[]>;
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

type UploadRoute = (typeof routes)['files.put' | 'files.drop'];

/**
 * Sends an archive, and handles what the daemon tells meanwhile.
 * @param end the result, if a message is the last one
 * @throws KameError what the daemon or the guest reports, DAEMON_UNREACHABLE, CANCELLED; what the archive throws
 */
async function upload<Result>(
  connection: Connection,
  route: UploadRoute,
  { machine, request }: { readonly machine: string; readonly request: object },
  streams: ArchiveStreams,
  end: (message: string | Uint8Array) => Result | undefined,
): Promise<Result> {
  const channel = await connection.open(route, { params: { machine } });
  let failure: { readonly error: unknown } | undefined;
  try {
    await channel.send(JSON.stringify(request));
    const sending = sendBytes(channel, streams.archive, streams.signal).catch(
      (error: unknown) => void (failure = { error }),
    );
    for await (const message of channel.messages) {
      const result = end(message);
      if (result !== undefined) return result;
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

/** @throws KameError as `upload` */
export async function putFiles(
  connection: Connection,
  machine: string,
  request: PutFiles,
  streams: PutStreams,
): Promise<PutResult> {
  return await upload(connection, routes['files.put'], { machine, request }, streams, (message) => {
    const notice = told<PutMessage>(message);
    if (notice.type === 'end') return { files: notice.files, bytes: notice.bytes };
    if (notice.type === 'progress') streams.progress?.(notice.bytes);
    else streams.waiting?.(notice.stage);
    return undefined;
  });
}

/** @throws KameError as `upload` */
export async function dropFiles(
  connection: Connection,
  machine: string,
  streams: ArchiveStreams,
): Promise<readonly DroppedPlace[]> {
  const asked = { machine, request: {} };
  return await upload(connection, routes['files.drop'], asked, streams, (message) => {
    const notice = told<DropMessage>(message);
    if (notice.type === 'end') return notice.files;
    streams.progress?.(notice.bytes);
    return undefined;
  });
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
