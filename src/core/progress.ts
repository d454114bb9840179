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
  report(report: ProgressReport): void;
}

/** A progress whose reports are discarded. */
export function silentProgress(signal: AbortSignal = new AbortController().signal): Progress {
  return { signal, report: () => undefined };
}
