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

/** The facts about a task when it starts. */
export interface TaskFacts {
  /** The UUID that the client chose, or null to generate one. */
  readonly id: string | null;
  readonly verb: string;
  /** Name of the machine. */
  readonly machine: string | null;
}

/** The error of a cancelled task. The error of a single step is used only if it has its own advice. */
function cancelled({ verb, machine }: TaskFacts, error: unknown): unknown {
  const step = error instanceof KameError ? error : undefined;
  if (step && (step.code !== 'CANCELLED' || step.next !== step.kind.next)) return error;
  const what = machine === null ? verb : `${verb} of ${machine}`;
  return new KameError('CANCELLED', `The ${what} was cancelled.`, { cause: error });
}

/** The running tasks. Each reports progress and can be cancelled. */
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
   * Runs `work` as a task, which `signal`, cancel and cancelAll can cancel.
   * @throws KameError ALREADY_EXISTS if a task has that id, CANCELLED
   */
  async run<T>(
    about: TaskFacts,
    options: { signal: AbortSignal; onProgress: (report: ProgressReport) => void },
    work: (progress: Progress) => Promise<T>,
  ): Promise<T> {
    const controller = new AbortController();
    const id = about.id ?? randomUUID();
    if (this.#tasks.has(id))
      throw new KameError('ALREADY_EXISTS', `A task with the id ${id} is already running.`);
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

  /** Asks a task to roll back and end. Its own reply reports the outcome. @returns whether the task exists */
  cancel(id: string): boolean {
    const task = this.#tasks.get(id);
    task?.controller.abort();
    return task !== undefined;
  }

  cancelAll(): void {
    for (const task of this.#tasks.values()) task.controller.abort();
  }
}
