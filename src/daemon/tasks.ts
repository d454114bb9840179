import { randomUUID } from 'node:crypto';
import type { Progress, ProgressReport } from '../core/progress.ts';
import type { Task } from '../api/messages.ts';

interface RunningTask {
  readonly id: string;
  readonly verb: string;
  readonly machine: string | null;
  readonly startedAt: Date;
  progress: ProgressReport | null;
  readonly controller: AbortController;
}

/** The long operations under way. Each has a progress and can be cancelled. */
export class TaskList {
  readonly #tasks = new Map<string, RunningTask>();

  get size(): number {
    return this.#tasks.size;
  }

  list(): Task[] {
    return [...this.#tasks.values()].map((task) => ({
      id: task.id,
      verb: task.verb,
      machine: task.machine,
      startedAt: task.startedAt.toISOString(),
      progress: task.progress && { ...task.progress },
    }));
  }

  /** Runs `work` as a task. `signal` cancels it, as does cancelAll. */
  async run<T>(
    about: { verb: string; machine: string | null },
    options: { signal: AbortSignal; onProgress: (report: ProgressReport) => void },
    work: (progress: Progress) => Promise<T>,
  ): Promise<T> {
    const controller = new AbortController();
    const task: RunningTask = {
      id: randomUUID(),
      ...about,
      startedAt: new Date(),
      progress: null,
      controller,
    };
    this.#tasks.set(task.id, task);
    try {
      return await work({
        signal: AbortSignal.any([options.signal, controller.signal]),
        report: (report) => {
          task.progress = report;
          options.onProgress(report);
        },
      });
    } finally {
      this.#tasks.delete(task.id);
    }
  }

  cancelAll(): void {
    for (const task of this.#tasks.values()) task.controller.abort();
  }
}
