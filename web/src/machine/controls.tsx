import { Button, Menu } from '@mantine/core';
import type { ReactElement } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { Icon } from '../design/icon/icon.tsx';
import { MoreMenu } from '../design/more-menu/more-menu.tsx';
import { useText } from '../text/text.ts';
import { useMay } from '../data/rights.tsx';
import { operationOf, type Action } from './actions.ts';
import type { Asked } from './question.tsx';

interface ControlsProps {
  readonly machine: Machine;
  readonly act: (action: Action) => void;
  readonly ask: (asked: Asked) => void;
  /** Among many others, so that none of its buttons stands out. */
  readonly isQuiet?: boolean;
}

interface Choice {
  readonly label:
    | 'start'
    | 'resume'
    | 'stop'
    | 'suspend'
    | 'pause'
    | 'restart'
    | 'snapshot'
    | 'clone'
    | 'folder'
    | 'off'
    | 'remove'
    | 'delete';
  readonly run: () => void;
  readonly danger?: true;
}

/** The one thing that people mostly do with a machine in this state; undefined if there is none. */
function mainChoice({ machine: { state }, act }: ControlsProps): Choice | undefined {
  if (state === 'stopped') return { label: 'start', run: () => act({ kind: 'start' }) };
  if (state === 'suspended') return { label: 'resume', run: () => act({ kind: 'start' }) };
  if (state === 'paused') return { label: 'resume', run: () => act({ kind: 'unpause' }) };
  if (state === 'running') return { label: 'stop', run: () => act({ kind: 'stop' }) };
  return undefined;
}

/** What else can be done in this state. */
function otherChoices({ machine: { state, name, path }, act, ask }: ControlsProps): Choice[] {
  const snapshot: Choice = { label: 'snapshot', run: () => ask('snapshot') };
  const clone: Choice = { label: 'clone', run: () => ask('clone') };
  const folder: Choice = { label: 'folder', run: () => ask('folder') };
  const off: Choice = { label: 'off', run: () => ask('off'), danger: true };
  if (state === 'running') {
    return [
      snapshot,
      clone,
      { label: 'suspend', run: () => act({ kind: 'suspend' }) },
      { label: 'pause', run: () => act({ kind: 'pause' }) },
      { label: 'restart', run: () => act({ kind: 'restart' }) },
      folder,
      off,
    ];
  }
  if (state === 'paused') return [snapshot, folder, off];
  if (state === 'unreachable') return [off];
  const remove: Choice = { label: 'remove', run: () => act({ kind: 'remove' }) };
  const gone: Choice = { label: 'delete', run: () => ask('delete'), danger: true };
  // A row that is named after its path is not a machine: it says why machines are missing.
  if (state === 'broken') return name === path ? [] : [remove, gone];
  return [snapshot, clone, folder, remove, gone];
}

/** The buttons of a card. */
export function Controls(props: ControlsProps): ReactElement {
  const { say } = useText();
  const may = useMay();
  const isPermitted = ({ label: what }: Choice) => may(operationOf(what === 'resume' ? 'start' : what));
  const first = mainChoice(props);
  const main = first && isPermitted(first) ? first : undefined;
  const others = otherChoices(props).filter(isPermitted);
  const { name } = props.machine;
  return (
    <>
      {main && (
        <Button
          size="compact-sm"
          variant={main.label === 'stop' || props.isQuiet ? 'default' : 'filled'}
          leftSection={<Icon name={main.label === 'stop' ? 'stop' : 'play'} size={12} />}
          onClick={main.run}
        >
          {say(`do.${main.label}`)}
        </Button>
      )}
      {others.length > 0 && (
        <MoreMenu label={say('do.more', { name })}>
          {others.map(({ label, run, danger }) => (
            <Menu.Item key={label} onClick={run} {...(danger ? { color: 'var(--broken)' } : {})}>
              {say(`do.${label}`)}
            </Menu.Item>
          ))}
        </MoreMenu>
      )}
    </>
  );
}
