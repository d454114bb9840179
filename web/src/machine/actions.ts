import { useState } from 'react';
import { KameError, messageOf } from '../../../src/core/errors.ts';
import type { ProgressReport } from '../../../src/core/progress.ts';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { client } from '../data/client.ts';
import { refresh } from '../data/machines.ts';

/** What can be done to a machine from its card. */
export type Action = { readonly kind: SimpleKind } | { readonly kind: 'snapshot'; readonly label: string };
type SimpleKind = 'start' | 'unpause' | 'stop' | 'off' | 'suspend' | 'pause' | 'restart' | 'remove';

/** An error as a person reads it: what happened, and what to do. */
export interface Trouble {
  readonly message: string;
  readonly next: string;
}

interface Doing {
  readonly kind: Action['kind'];
  readonly progress: ProgressReport | undefined;
}

export interface Actions {
  /** What is being done; undefined if nothing is. */
  readonly doing: Doing | undefined;
  readonly trouble: Trouble | undefined;
  /** The label of the snapshot that was just taken. */
  readonly taken: string | undefined;
  readonly act: (action: Action) => void;
  readonly dismiss: () => void;
}

type OnProgress = (report: ProgressReport) => void;

async function perform(machine: Machine, action: Action, onProgress: OnProgress): Promise<void> {
  const { machines, snapshots } = client;
  const which = machine.id === '' ? machine.path : machine.id;
  const options = { onProgress };
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

/** An error in the words of a page: advice to use an option of a command is left as it is. */
export function troubleOf(error: unknown): Trouble {
  return { message: messageOf(error), next: error instanceof KameError ? error.next : '' };
}

/** The actions on a machine, one at a time. */
export function useActions(machine: Machine): Actions {
  const [doing, setDoing] = useState<Doing>();
  const [trouble, setTrouble] = useState<Trouble>();
  const [taken, setTaken] = useState<string>();
  const dismiss = () => {
    setTrouble(undefined);
    setTaken(undefined);
  };
  const act = (action: Action) => {
    const { kind } = action;
    dismiss();
    setDoing({ kind, progress: undefined });
    void perform(machine, action, (progress) => setDoing({ kind, progress }))
      .then(() => {
        if (action.kind === 'snapshot') setTaken(action.label);
      })
      .catch((error: unknown) => setTrouble(troubleOf(error)))
      .then(refresh)
      .finally(() => setDoing(undefined));
  };
  return { doing, trouble, taken, act, dismiss };
}
