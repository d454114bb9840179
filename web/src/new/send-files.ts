import { KameError } from '../../../src/core/errors.ts';
import type { TaskOptions } from '../../../src/client/core/options.ts';
import { client } from '../data/client.ts';
import { readAcross, type LocalFile } from './local-files.ts';

/** Milliseconds before the first attempt to go on, and before the last ones. */
const [firstPauseMs, longestPauseMs] = [1000, 15_000];

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}

/** What is said while files are sent. */
interface Stages {
  readonly sending: string;
  /** The daemon cannot be reached: it goes on as soon as it can. */
  readonly waiting: string;
}

/**
 * Sends files to the daemon. When the connection breaks, or the daemon ends, it waits until it is back, and goes on from there.
 * @returns the path by which they are imported
 * @throws KameError what the daemon reports, CANCELLED
 */
export async function sendFiles(
  files: readonly LocalFile[],
  stages: Stages,
  { onProgress, signal }: TaskOptions,
): Promise<string> {
  const list = files.map(({ path, file }) => ({
    ...{ path, sizeBytes: file.size, modifiedMs: file.lastModified },
  }));
  const total = list.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let pauseMs = firstPauseMs;
  for (;;) {
    try {
      return await client.uploads.send(
        { files: list },
        {
          read: async (from, to) => await readAcross(files, from, to),
          progress: (done) => {
            pauseMs = firstPauseMs;
            onProgress?.({ stage: stages.sending, done, total, unit: 'bytes' });
          },
          signal,
        },
      );
    } catch (error) {
      if (!(error instanceof KameError) || error.code !== 'DAEMON_UNREACHABLE') throw error;
      onProgress?.({ stage: stages.waiting });
      await pause(pauseMs, signal);
      if (signal?.aborted) throw new KameError('CANCELLED', 'The upload was cancelled.', { cause: error });
      pauseMs = Math.min(2 * pauseMs, longestPauseMs);
    }
  }
}
