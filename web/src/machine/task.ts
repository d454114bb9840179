import { useState } from 'react';
import type { TaskOptions } from '../../../src/client/core/options.ts';
import type { ProgressReport } from '../../../src/core/progress.ts';
import { refresh } from '../data/machines.ts';
import { Store, useStore } from '../data/store.ts';
import { undoOffer, type Undoable } from '../data/undo.ts';
import { Rate } from './rate.ts';
import { troubleOf, type Trouble } from './trouble.ts';

/** What a task did, and the page where that is. */
export interface Done {
  readonly said: string;
  readonly page?: string;
}

interface TaskState<K> {
  /** What is being done; undefined if nothing is. */
  readonly doing?: {
    readonly kind: K;
    readonly progress: ProgressReport | undefined;
    /** Bytes a second, if bytes are what is counted. */
    readonly rate?: number | undefined;
  };
  readonly trouble?: Trouble;
  /** What the last task did, if that is worth a message. */
  readonly done?: Done;
}

/** What a task returns: what to say at its end, how to undo it, or nothing. */
type Result = string | Done | Undoable | undefined;

export interface TaskRunner<K> {
  readonly doing: TaskState<K>['doing'] | undefined;
  readonly trouble: Trouble | undefined;
  readonly done: Done | undefined;
  readonly run: (kind: K, work: (options: TaskOptions) => Promise<Result>) => void;
  /** Asks the task to undo what it did so far, and to end. */
  readonly cancel: () => void;
  readonly dismiss: () => void;
}

/** Tasks, one at a time: their progress, and how the last one ended. */
export class Task<K> {
  readonly state = new Store<TaskState<K>>({});
  #controller: AbortController | undefined;

  readonly run: TaskRunner<K>['run'] = (kind, work) => {
    const ended = new AbortController();
    this.#controller = ended;
    this.state.set({ doing: { kind, progress: undefined } });
    const rate = new Rate();
    const onProgress = (progress: ProgressReport) =>
      this.state.set({ doing: { kind, progress, rate: rate.add(progress) } });
    void work({ onProgress, signal: ended.signal })
      .then(endOf, (error: unknown) => {
        const trouble = troubleOf(error);
        // Who has cancelled it knows.
        return ended.signal.aborted && trouble.code === 'CANCELLED' ? {} : { trouble };
      })
      .then(async (end) => await refresh().finally(() => this.state.set(end)));
  };

  readonly cancel = (): void => this.#controller?.abort();

  readonly dismiss = (): void => {
    const { doing } = this.state.get();
    this.state.set(doing ? { doing } : {});
  };
}

function endOf(result: Result): { readonly done?: Done } {
  if (result === undefined) return {};
  if (typeof result === 'string') return { done: { said: result } };
  if (!('undo' in result)) return { done: result };
  undoOffer.set(result);
  return {};
}

/** What a component shows of tasks, and does with them. */
export function useRunner<K>(task: Task<K>): TaskRunner<K> {
  const { doing, trouble, done } = useStore(task.state);
  const { run, cancel, dismiss } = task;
  return { doing, trouble, done, run, cancel, dismiss };
}

/** Tasks of one component, whose progress nobody sees after it has gone. */
export function useTask<K>(): TaskRunner<K> {
  const [task] = useState(() => new Task<K>());
  return useRunner(task);
}
