import { useEffect } from 'react';
import { Store } from '../data/store.ts';
import { Task, useRunner, type TaskRunner } from './task.ts';

/** What tasks are about, for those who see them elsewhere than where they were begun. */
export interface About<K> {
  readonly title: string;
  /** Where they were begun. */
  readonly page: string;
  readonly what: (kind: K) => string;
}

/** Tasks that a page begins, and that stay when it is left. */
export interface KeptTask<K extends string = string> {
  readonly key: string;
  readonly task: Task<K>;
  about: About<K>;
  /** How many components show them now. */
  places: number;
}

const all = new Map<string, KeptTask>();

/** Those that go on, or have something to say, while their page is left. */
export const outOfSight = new Store<readonly KeptTask[]>([]);

function update(): void {
  const hidden = [...all.values()].filter(({ task, places }) => {
    const { doing, trouble, done } = task.state.get();
    return places === 0 && (doing ?? trouble ?? done) !== undefined;
  });
  if (hidden.length > 0 || outOfSight.get().length > 0) outOfSight.set(hidden);
}

function keptTask<K extends string>(key: string, about: About<K>): KeptTask<K> {
  const known = all.get(key);
  // A key stands for tasks of one kind.
  if (known) return known as unknown as KeptTask<K>;
  const kept: KeptTask<K> = { key, task: new Task<K>(), about, places: 0 };
  all.set(key, kept as unknown as KeptTask);
  kept.task.state.listen(update);
  return kept;
}

/** Whether something would break off if the window were closed. */
export function isAnyWorking(): boolean {
  return [...all.values()].some(({ task }) => task.state.get().doing !== undefined);
}

export interface KeptRunner<K> extends TaskRunner<K> {
  /** Whether the page where the tasks were begun is still there, or there again. */
  readonly isInSight: () => boolean;
}

/** Tasks that go on while their page is left: it shows them again when it is back, and the tray shows them meanwhile. */
export function useKeptTask<K extends string>(key: string, about: About<K>): KeptRunner<K> {
  const kept = keptTask(key, about);
  useEffect(() => {
    kept.about = about;
  });
  useEffect(() => {
    kept.places += 1;
    update();
    return () => {
      kept.places -= 1;
      update();
    };
  }, [kept]);
  return { ...useRunner(kept.task), isInSight: () => kept.places > 0 };
}
