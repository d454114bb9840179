import type { ProgressReport } from '../../core/progress.ts';

/** Options of every call. */
export interface CallOptions {
  /** Aborting it cancels the operation. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of a call that runs a task. */
export interface TaskOptions extends CallOptions {
  readonly onProgress?: ((report: ProgressReport) => void) | undefined;
}
