import { useRef, useState } from 'react';
import type { TaskOptions } from '../../../src/client/core/options.ts';
import type { ProgressReport } from '../../../src/core/progress.ts';
import { refresh } from '../data/machines.ts';
import { Rate } from './rate.ts';
import { undoOffer, type Undoable } from '../data/undo.ts';
import { troubleOf, type Trouble } from './trouble.ts';

export interface TaskRunner<K> {
  /** What is being done; undefined if nothing is. */
  readonly doing:
    | {
        readonly kind: K;
        readonly progress: ProgressReport | undefined;
        /** Bytes a second, if bytes are what is counted. */
        readonly rate?: number | undefined;
      }
    | undefined;
  readonly trouble: Trouble | undefined;
  /** What the last task did, if that is worth a message. */
  readonly done: string | undefined;
  /** Begins a task. It returns what to say at its end, how to undo it, or nothing. */
  readonly run: (kind: K, work: (options: TaskOptions) => Promise<string | Undoable | undefined>) => void;
  /** Asks the task to undo what it did so far, and to end. */
  readonly cancel: () => void;
  readonly dismiss: () => void;
}

/** Tasks on a machine, one at a time: their progress, and how the last one ended. */
export function useTask<K>(): TaskRunner<K> {
  const [doing, setDoing] = useState<TaskRunner<K>['doing']>();
  const [trouble, setTrouble] = useState<Trouble>();
  const [done, setDone] = useState<string>();
  const controller = useRef<AbortController>(undefined);
  const dismiss = () => {
    setTrouble(undefined);
    setDone(undefined);
  };
  const end = (result: string | Undoable | undefined) => {
    if (typeof result === 'object') undoOffer.make(result);
    else setDone(result);
  };
  const run: TaskRunner<K>['run'] = (kind, work) => {
    dismiss();
    const ended = new AbortController();
    controller.current = ended;
    setDoing({ kind, progress: undefined });
    const rate = new Rate();
    const onProgress = (progress: ProgressReport) => setDoing({ kind, progress, rate: rate.add(progress) });
    void work({ onProgress, signal: ended.signal })
      .then(end, (error: unknown) => setTrouble(troubleOf(error)))
      .then(refresh)
      .finally(() => setDoing(undefined));
  };
  return { doing, trouble, done, run, cancel: () => controller.current?.abort(), dismiss };
}
