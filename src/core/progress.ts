/** One report of a long operation. `done`/`total` in the unit named; without a total the end is not known. */
export interface ProgressReport {
  readonly stage: string;
  readonly done?: number;
  readonly total?: number;
  readonly unit?: 'bytes' | 'items';
}

/** What every slow call takes: where to report, and how it is cancelled. */
export interface Progress {
  readonly signal: AbortSignal;
  report(report: ProgressReport): void;
}

/** A progress that nobody watches, for calls that need one. */
export function silentProgress(signal: AbortSignal = new AbortController().signal): Progress {
  return { signal, report: () => undefined };
}
