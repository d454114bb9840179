import { KameError } from '../../core/errors.ts';

/** How long a call may take and how it is cancelled. */
export interface CallOptions {
  /** Milliseconds. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

export function cancelled(what: string): KameError {
  return new KameError('CANCELLED', `${what} was cancelled.`);
}

/**
 * Waits for a promise, but no longer than `ms` and not beyond a cancel. The promise itself goes on.
 * @throws what `onTimeout` makes, or KameError CANCELLED
 */
export async function within<T>(
  promise: Promise<T>,
  options: { ms: number; signal?: AbortSignal | undefined; what: string; onTimeout: () => Error },
): Promise<T> {
  const { ms, signal } = options;
  if (signal?.aborted === true) throw cancelled(options.what);
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => finish(() => reject(cancelled(options.what)));
    const timer = setTimeout(
      () => finish(() => reject(options.onTimeout())),
      Math.min(Math.max(0, ms), 2 ** 31 - 1),
    );
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      settle();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const settle = async (): Promise<void> => {
      const value = await promise;
      finish(() => resolve(value));
    };
    settle().catch((error: unknown) => finish(() => reject(error)));
  });
}

/** The pause between two looks at something that sends no event. Ends at once when cancelled. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
