import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';

/** How long a call may take and how it is cancelled. */
export interface CallOptions {
  /** In milliseconds. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  /** Maximum size of the reply, in bytes. Default: 64 KiB, far more than most replies have. */
  readonly maxBytes?: number;
  /** Told when the agent does not answer for 2 s. */
  readonly report?: Progress['report'];
}

export function cancelled(what: string): KameError {
  return new KameError('CANCELLED', `${what} was cancelled.`);
}

/**
 * Waits for a promise for at most `ms`, or until the signal fires. The promise itself continues.
 * @throws the error from `onTimeout`, or KameError CANCELLED
 */
export async function within<T>(
  promise: Promise<T>,
  options: { ms: number; signal?: AbortSignal | undefined; what: string; onTimeout: () => Error },
): Promise<T> {
  const { ms, signal } = options;
  if (signal?.aborted === true) throw cancelled(options.what);
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const impatience = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(options.onTimeout()), Math.min(Math.max(0, ms), 2 ** 31 - 1));
    onAbort = () => reject(cancelled(options.what));
    signal?.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, impatience]);
  } finally {
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener('abort', onAbort);
  }
}
