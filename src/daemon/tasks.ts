import { randomUUID } from 'node:crypto';
import type { Task } from '../api/messages.ts';
import { KameError } from '../core/errors.ts';
import type { Progress, ProgressReport } from '../core/progress.ts';

interface RunningTask {
  readonly id: string;
  readonly verb: string;
  readonly machine: string | null;
  readonly startedAt: Date;
  progress: ProgressReport | null;
  readonly controller: AbortController;
}

/** What is known of a task as it begins. */
export interface TaskFacts {
  /** A client's own UUID for it, or null for one of ours. */
  readonly id: string | null;
  readonly verb: string;
  /** Name */
  readonly machine: string | null;
}

/** Why a cancelled task ended. Which of its steps was cancelled is no one's business, unless it knows what to do next. */
function cancelled({ verb, machine }: TaskFacts, error: unknown): unknown {
  const step = error instanceof KameError ? error : undefined;
  if (step && (step.code !== 'CANCELLED' || step.next !== step.kind.next)) return error;
  const what = machine === null ? verb : `${verb} of ${machine}`;
  return new KameError('CANCELLED', `The ${what} was cancelled.`, { cause: error });
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

  /**
   * Runs `work` as a task. `signal` cancels it, as do cancel and cancelAll.
   * @throws KameError ALREADY_EXISTS when a task has that id, CANCELLED
   */
  async run<T>(
    about: TaskFacts,
    options: { signal: AbortSignal; onProgress: (report: ProgressReport) => void },
    work: (progress: Progress) => Promise<T>,
  ): Promise<T> {
    const controller = new AbortController();
    const id = about.id ?? randomUUID();
    if (this.#tasks.has(id)) throw new KameError('ALREADY_EXISTS', `A task ${id} runs already.`);
    const task: RunningTask = { ...about, id, startedAt: new Date(), progress: null, controller };
    this.#tasks.set(id, task);
    const signal = AbortSignal.any([options.signal, controller.signal]);
    try {
      return await work({
        signal,
        report: (report) => {
          task.progress = report;
          options.onProgress(report);
        },
      });
    } catch (error) {
      throw signal.aborted ? cancelled(about, error) : error;
    } finally {
      this.#tasks.delete(id);
    }
  }

  /** Asks a task to undo what it did and to end; its own answer tells how it did. @returns whether there is such a task */
  cancel(id: string): boolean {
    const task = this.#tasks.get(id);
    task?.controller.abort();
    return task !== undefined;
  }

  cancelAll(): void {
    for (const task of this.#tasks.values()) task.controller.abort();
  }
}
