import { KameError } from '../core/errors.ts';
import type { Progress, ProgressReport } from '../core/progress.ts';

interface Job<T> {
  readonly result: Promise<T>;
  readonly watchers: Set<Progress>;
  readonly abort: AbortController;
}

/** Work that concurrent callers share: it is done once, and cancelled only when all callers have cancelled. */
export class SharedWork<T> {
  readonly #jobs = new Map<string, Job<T>>();

  /**
   * Joins the work in progress for `key`, or starts it.
   * @throws any error of the work; KameError CANCELLED when this caller cancels
   */
  async run(key: string, progress: Progress, work: (progress: Progress) => Promise<T>): Promise<T> {
    const cancelled = new KameError('CANCELLED', 'The operation was cancelled.');
    // Do not join a job that is being cancelled; it ends soon.
    for (let job = this.#jobs.get(key); job?.abort.signal.aborted === true; job = this.#jobs.get(key)) {
      await job.result.catch(() => undefined);
    }
    const { signal } = progress;
    if (signal.aborted) throw cancelled;
    const job = this.#jobs.get(key) ?? this.#begin(key, work);
    job.watchers.add(progress);
    let onAbort: () => void = () => undefined;
    const given = new Promise<never>((_resolve, reject) => {
      onAbort = () => {
        job.watchers.delete(progress);
        // The last caller waits until the work has ended, so that nothing continues after its call.
        if (job.watchers.size === 0) job.abort.abort();
        else reject(cancelled);
      };
      signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([job.result, given]);
    } finally {
      job.watchers.delete(progress);
      signal.removeEventListener('abort', onAbort);
    }
  }

  #begin(key: string, work: (progress: Progress) => Promise<T>): Job<T> {
    const abort = new AbortController();
    const watchers = new Set<Progress>();
    const report = (one: ProgressReport): void => watchers.forEach((watcher) => watcher.report(one));
    const result = (async () => {
      try {
        return await work({ signal: abort.signal, report });
      } finally {
        this.#jobs.delete(key);
      }
    })();
    const job = { result, watchers, abort };
    this.#jobs.set(key, job);
    return job;
  }
}
