import type { Machine } from '../../../src/api/generated/shapes.ts';
import type { May } from '../data/may.ts';
import { operationOf, type Action, type Asked } from './action.ts';

type Label = Exclude<Action['kind'], 'unpause'> | 'resume';

/** Something that can be done to a machine: at once, or after a question. */
export type Choice = { readonly label: Label; readonly danger?: true } & (
  { readonly does: Action } | { readonly asks: Asked }
);

const snapshot: Choice = { label: 'snapshot', asks: 'snapshot' };
const clone: Choice = { label: 'clone', asks: 'clone' };
const folder: Choice = { label: 'folder', asks: 'folder' };
const off: Choice = { label: 'off', asks: 'off', danger: true };
const remove: Choice = { label: 'remove', does: { kind: 'remove' } };
const gone: Choice = { label: 'delete', asks: 'delete', danger: true };

/** The one thing that people mostly do with a machine in this state; undefined if there is none. */
function mainChoice({ state }: Machine): Choice | undefined {
  if (state === 'stopped') return { label: 'start', does: { kind: 'start' } };
  if (state === 'suspended') return { label: 'resume', does: { kind: 'start' } };
  if (state === 'paused') return { label: 'resume', does: { kind: 'unpause' } };
  if (state === 'running') return { label: 'stop', does: { kind: 'stop' } };
  return undefined;
}

/** What else can be done in this state. */
function otherChoices({ state, name, path }: Machine): Choice[] {
  if (state === 'running') {
    return [
      snapshot,
      clone,
      { label: 'suspend', does: { kind: 'suspend' } },
      { label: 'pause', does: { kind: 'pause' } },
      { label: 'restart', does: { kind: 'restart' } },
      folder,
      off,
    ];
  }
  if (state === 'paused') return [snapshot, folder, off];
  if (state === 'unreachable') return [off];
  // A row that is named after its path is not a machine: it says why machines are missing.
  if (state === 'broken') return name === path ? [] : [remove, gone];
  return [snapshot, clone, folder, remove, gone];
}

/** What somebody may do to a machine in its state. */
export function choicesFor(
  machine: Machine,
  may: May,
): { readonly main: Choice | undefined; readonly others: readonly Choice[] } {
  const isPermitted = ({ label }: Choice) =>
    may(operationOf(label === 'resume' ? 'start' : label), machine.id);
  const main = mainChoice(machine);
  return {
    main: main && isPermitted(main) ? main : undefined,
    others: otherChoices(machine).filter(isPermitted),
  };
}
