import type { Machine } from '../../../src/api/generated/shapes.ts';
import type { TaskOptions } from '../../../src/client/core/options.ts';
import { client } from '../data/client.ts';
import type { Undoable } from '../data/undo.ts';
import { useText, type Say } from '../text/text.ts';
import type { Action, SimpleKind } from './action.ts';
import { machinePage } from './addresses.ts';
import { useKeptTask } from './kept-task.ts';
import type { TaskRunner } from './task.ts';

export interface Actions extends TaskRunner<Action['kind']> {
  readonly act: (action: Action) => void;
}

/** The page shows by itself how far the guest is, so nothing here waits for it. */
const soon = { wait: 'none' } as const;

async function performSimple(which: string, kind: SimpleKind, options: TaskOptions): Promise<unknown> {
  const { machines } = client;
  switch (kind) {
    case 'start':
      return await machines.start(which, soon, options);
    case 'restart':
      return await machines.restart(which, soon, options);
    case 'unpause':
      return await machines.unpause(which, options);
    case 'stop':
      return await machines.stop(which, {}, options);
    case 'off':
      return await machines.stop(which, { hard: true }, options);
    case 'suspend':
      return await machines.suspend(which, options);
    case 'pause':
      return await machines.pause(which, options);
    case 'delete':
      return await machines.delete(which);
    default:
      return await machines.unregister(which);
  }
}

/** Does one action. @throws KameError */
export async function perform(machine: Machine, action: Action, options: TaskOptions): Promise<void> {
  const { machines, snapshots } = client;
  const which = machine.id === '' ? machine.path : machine.id;
  if (action.kind === 'snapshot')
    await snapshots.take(which, action.label === '' ? {} : { label: action.label }, options);
  else if (action.kind === 'clone')
    await machines.clone(which, { name: action.name, kind: action.as, ...soon }, options);
  else if (action.kind === 'folder')
    await machines.set(which, { settings: [{ key: 'folder', value: action.folder }] });
  else await performSimple(which, action.kind, options);
}

/** How an action is undone; undefined if it cannot be, or is undone by another one that stands beside it. */
export function undoOf(machine: Machine, action: Action): (() => Promise<unknown>) | undefined {
  if (action.kind === 'remove') return async () => await client.machines.register({ path: machine.path });
  if (action.kind === 'folder')
    return async () => await perform(machine, { kind: 'folder', folder: machine.folder }, {});
  return undefined;
}

/** What was done, where the page does not show it by itself. */
export function saidOf({ name }: Machine, action: Action, say: Say): string | undefined {
  if (action.kind === 'snapshot') return say('done.snapshot', { label: action.label });
  if (action.kind === 'remove') return say('done.remove', { name });
  if (action.kind !== 'folder') return undefined;
  const { folder } = action;
  return folder === '' ? say('done.noFolder', { name }) : say('done.folder', { name, folder });
}

/** The actions on a machine, one at a time. */
export function useActions(machine: Machine): Actions {
  const { say } = useText();
  const { id, name, path } = machine;
  const task = useKeptTask<Action['kind']>(`machine ${id === '' ? path : id}`, {
    title: name,
    page: id === '' ? '/' : machinePage(id),
    what: (kind) => say(`busy.${kind}`),
  });
  const act = (action: Action) =>
    task.run(action.kind, async (options): Promise<string | Undoable | undefined> => {
      await perform(machine, action, options);
      const said = saidOf(machine, action, say);
      const undo = undoOf(machine, action);
      return said !== undefined && undo ? { said, undo } : said;
    });
  return { ...task, act };
}
