import type { routes } from '../../../src/api/generated/routes.ts';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import type { TaskOptions } from '../../../src/client/core/options.ts';
import { client } from '../data/client.ts';
import { useText } from '../text/text.ts';
import { useTask, type TaskRunner } from './task.ts';

/** What can be done to a machine from its card. */
export type Action = { readonly kind: SimpleKind } | { readonly kind: 'snapshot'; readonly label: string };
type SimpleKind = 'start' | 'unpause' | 'stop' | 'off' | 'suspend' | 'pause' | 'restart' | 'remove';

/** The operation that does it. */
export function operationOf(kind: Action['kind']): keyof typeof routes {
  if (kind === 'snapshot') return 'snapshots.take';
  if (kind === 'off') return 'machines.stop';
  return kind === 'remove' ? 'machines.unregister' : `machines.${kind}`;
}

export interface Actions extends TaskRunner<Action['kind']> {
  readonly act: (action: Action) => void;
}

/** Does one action. @throws KameError */
export async function perform(machine: Machine, action: Action, options: TaskOptions): Promise<void> {
  const { machines, snapshots } = client;
  const which = machine.id === '' ? machine.path : machine.id;
  // The page shows by itself how far the guest is, so nothing here waits for it.
  const soon = { wait: 'none' } as const;
  if (action.kind === 'snapshot')
    await snapshots.take(which, action.label === '' ? {} : { label: action.label }, options);
  else if (action.kind === 'start') await machines.start(which, soon, options);
  else if (action.kind === 'restart') await machines.restart(which, soon, options);
  else if (action.kind === 'unpause') await machines.unpause(which, options);
  else if (action.kind === 'stop') await machines.stop(which, {}, options);
  else if (action.kind === 'off') await machines.stop(which, { hard: true }, options);
  else if (action.kind === 'suspend') await machines.suspend(which, options);
  else if (action.kind === 'pause') await machines.pause(which, options);
  else await machines.unregister(which);
}

/** The actions on a machine, one at a time. */
export function useActions(machine: Machine): Actions {
  const { say } = useText();
  const task = useTask<Action['kind']>();
  const act = (action: Action) =>
    task.run(action.kind, async (options) => {
      await perform(machine, action, options);
      return action.kind === 'snapshot' ? say('done.snapshot', { label: action.label }) : undefined;
    });
  return { ...task, act };
}
