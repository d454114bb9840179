import type { Machine } from '../../../src/api/generated/shapes.ts';
import { perform } from '../machine/actions.ts';
import { useTask, type TaskRunner } from '../machine/task.ts';
import { useText } from '../text/text.ts';
import { forEach } from './bulk.ts';

export interface Move extends TaskRunner<'move'> {
  readonly begin: (machines: readonly Machine[], folder: string) => void;
}

/** Moves machines into a folder. That can be undone for all of them at once. */
export function useMove(): Move {
  const { say } = useText();
  const task = useTask<'move'>();
  const begin = (machines: readonly Machine[], folder: string) => {
    const moved = machines.filter((machine) => machine.folder !== folder);
    if (moved.length === 0) return;
    task.run('move', async (options) => {
      const to = async (machine: Machine, where: string) =>
        await perform(machine, { kind: 'folder', folder: where }, {});
      await forEach(moved, async (machine) => await to(machine, folder), options);
      return {
        said:
          folder === ''
            ? say('folder.out', { count: moved.length })
            : say('folder.moved', { count: moved.length, folder }),
        undo: async () => await forEach(moved, async (machine) => await to(machine, machine.folder), {}),
      };
    });
  };
  return { ...task, begin };
}
