import { ActionIcon, Button, Menu, Tooltip } from '@mantine/core';
import type { ReactElement } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { Icon } from '../design/icon.tsx';
import { useText } from '../text/text.ts';
import { useMay } from '../data/rights.tsx';
import { operationOf, type Action } from './actions.ts';
import type { Asked } from './question.tsx';

interface ControlsProps {
  readonly machine: Machine;
  readonly act: (action: Action) => void;
  readonly ask: (asked: Asked) => void;
}

interface Choice {
  readonly label:
    'start' | 'resume' | 'stop' | 'suspend' | 'pause' | 'restart' | 'snapshot' | 'off' | 'remove';
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
  const off: Choice = { label: 'off', run: () => ask('off'), danger: true };
  if (state === 'running') {
    return [
      snapshot,
      { label: 'suspend', run: () => act({ kind: 'suspend' }) },
      { label: 'pause', run: () => act({ kind: 'pause' }) },
      { label: 'restart', run: () => act({ kind: 'restart' }) },
      off,
    ];
  }
  if (state === 'paused') return [snapshot, off];
  if (state === 'unreachable') return [off];
  const remove: Choice = { label: 'remove', run: () => ask('remove'), danger: true };
  // A row that is named after its path is not a machine: it says why machines are missing.
  if (state === 'broken') return name === path ? [] : [remove];
  return [snapshot, remove];
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
  const label = say('do.more', { name });
  return (
    <>
      {main && (
        <Button
          size="compact-sm"
          variant={main.label === 'stop' ? 'default' : 'filled'}
          leftSection={<Icon name={main.label === 'stop' ? 'stop' : 'play'} size={12} />}
          onClick={main.run}
        >
          {say(`do.${main.label}`)}
        </Button>
      )}
      {others.length > 0 && (
        <Menu position="bottom-end" withinPortal loop>
          <Menu.Target>
            <Tooltip label={label}>
              <ActionIcon variant="subtle" color="gray" aria-label={label}>
                <Icon name="more" />
              </ActionIcon>
            </Tooltip>
          </Menu.Target>
          <Menu.Dropdown>
            {others.map(({ label: what, run, danger }) => (
              <Menu.Item key={what} onClick={run} {...(danger ? { color: 'var(--broken)' } : {})}>
                {say(`do.${what}`)}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
    </>
  );
}
