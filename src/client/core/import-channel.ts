import { routes } from '../../api/generated/routes.ts';
import type {
  ImportedMachine,
  ImportReport,
  ImportStream,
  ImportStreamMessage,
} from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import type { Connection } from './connection.ts';
import type { TaskOptions } from './options.ts';
import { sendBytes } from './send-bytes.ts';
import { told } from './told.ts';

export interface ImportStreams extends TaskOptions {
  /** An OVA. */
  readonly archive: AsyncIterable<Uint8Array>;
}

/**
 * Sends an appliance to the daemon, which makes a machine of it while it comes.
 * @returns the report alone for a dry run
 * @throws KameError what the daemon reports, DAEMON_UNREACHABLE, CANCELLED; what the archive throws
 */
export async function importStream(
  connection: Connection,
  request: ImportStream,
  { archive, signal, onProgress }: ImportStreams,
): Promise<ImportedMachine | ImportReport> {
  const channel = await connection.open(routes['machines.importStream'], {});
  const stop = () => channel.close();
  signal?.addEventListener('abort', stop, { once: true });
  let failure: { readonly error: unknown } | undefined;
  try {
    signal?.throwIfAborted();
    await channel.send(JSON.stringify(request));
    // What cannot be read must not look like an end: the daemon would report a truncated archive.
    sendBytes(channel, archive, signal).catch((error: unknown) => {
      failure = { error };
      stop();
    });
    for await (const message of channel.messages) {
      const notice = told<ImportStreamMessage>(message);
      if (notice.type === 'end') return notice.imported;
      if (notice.type === 'report') return notice.report;
      const { stage, bytes } = notice;
      onProgress?.({ stage, ...(bytes === undefined ? {} : { done: bytes, unit: 'bytes' }) });
    }
  } catch (error) {
    if (signal?.aborted) throw new KameError('CANCELLED', 'The import was cancelled.', { cause: error });
    throw failure ? failure.error : error;
  } finally {
    signal?.removeEventListener('abort', stop);
    channel.close();
  }
  if (signal?.aborted) throw new KameError('CANCELLED', 'The import was cancelled.');
  if (failure) throw failure.error;
  throw new KameError('DAEMON_UNREACHABLE', 'The daemon ended during the import. Nothing was imported.', {
    next: 'Import it again.',
  });
}
