import type { ProgressReport } from '../../core/progress.ts';

/** What a call takes beside its arguments. */
export interface CallOptions {
  /** Aborting it cancels the operation. */
  readonly signal?: AbortSignal | undefined;
}

/** What a call that takes long takes beside its arguments. */
export interface TaskOptions extends CallOptions {
  readonly onProgress?: ((report: ProgressReport) => void) | undefined;
}
