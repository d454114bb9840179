import { createConnection, type OnReadOpts, type Socket } from 'node:net';
import { KameError, errnoOf, messageOf } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';

export interface ConnectOptions {
  /** Milliseconds to keep trying while nothing listens yet. 0 tries once. */
  deadlineMs: number;
  signal?: AbortSignal;
  /** Once this settles, waiting is pointless (for example, the process that would listen has ended). */
  stop?: Promise<unknown>;
  /** Takes what comes in buffers of the caller, so that nothing is allocated for it; there are no `data` events then. */
  onread?: OnReadOpts;
}

/** Nothing listens there (yet): the file does not exist, or a dead or dying listener left it behind. */
const notYet = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EAGAIN']);

function connectOnce(path: string, onread: OnReadOpts | undefined): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path, ...(onread ? { onread } : {}) });
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

/** Waits `ms`, or less if `wake` settles or the signal fires first. */
async function pause(ms: number, wake: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const waited = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
    onAbort = resolve;
    signal?.addEventListener('abort', onAbort);
  });
  try {
    await Promise.race([waited, wake]);
  } finally {
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener('abort', onAbort);
  }
}

/**
 * Connects to a Unix socket, retrying while nothing listens, until the deadline passes, the signal fires or `stop`
 * settles.
 * @returns undefined if `stop` settled first
 * @throws KameError ENGINE_TIMEOUT at the deadline, CANCELLED, HOST_PROBLEM for any other refusal
 */
export async function connectUnix(path: string, options: ConnectOptions): Promise<Socket | undefined> {
  const end = performance.now() + options.deadlineMs;
  let stopped = false;
  const stop = (options.stop ?? new Promise<never>(() => undefined)).then(
    () => (stopped = true),
    () => (stopped = true),
  );
  for (let wait = 2; ; wait = Math.min(wait * 1.5, 5)) {
    if (options.signal?.aborted) throw new KameError('CANCELLED', `Connecting to ${path} was cancelled.`);
    try {
      return await connectOnce(path, options.onread);
    } catch (error) {
      if (!notYet.has(errnoOf(error) ?? '')) {
        throw new KameError('HOST_PROBLEM', `${path}: ${messageOf(error)}`, { cause: error });
      }
      if (stopped) return undefined;
      if (performance.now() + wait > end) {
        throw new KameError(
          'ENGINE_TIMEOUT',
          `No connection to ${path} within ${formatDuration(options.deadlineMs)}: nothing is listening.`,
          { cause: error },
        );
      }
    }
    await pause(wait, stop, options.signal);
  }
}
