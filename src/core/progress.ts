/** One report of a long operation. `done` and `total` are in `unit`; without `total` the remaining work is unknown. */
export interface ProgressReport {
  readonly stage: string;
  readonly done?: number;
  readonly total?: number;
  readonly unit?: 'bytes' | 'items';
}

/** Passed to every slow call: reports progress and cancels. */
export interface Progress {
  readonly signal: AbortSignal;
  readonly report: (report: ProgressReport) => void;
}

/** A progress whose reports are discarded. */
export function silentProgress(signal: AbortSignal = new AbortController().signal): Progress {
  return { signal, report: () => undefined };
}

/** The same progress for steps that can no longer be cancelled. */
export function uncancellable({ report }: Progress): Progress {
  return { signal: new AbortController().signal, report };
}

/** Milliseconds after which an operation says what it waits for. */
export const patienceMs = 2000;

/**
 * Waits for something outside Kame that usually takes no time, and reports it if it takes long.
 * @param what what answers, such as `the guest agent of demo`
 */
export async function patiently<T>(
  progress: Pick<Progress, 'report'>,
  what: string,
  work: Promise<T>,
): Promise<T> {
  const timer = setTimeout(() => progress.report({ stage: `Waiting for ${what}` }), patienceMs);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}
