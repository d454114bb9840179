import { Button, Menu } from '@mantine/core';
import type { ReactElement } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { Icon } from '../design/icon/icon.tsx';
import { MoreMenu } from '../design/more-menu/more-menu.tsx';
import { useText } from '../text/text.ts';
import { useMay } from '../data/rights.tsx';
import type { Action } from './action.ts';
import { choicesFor, type Choice } from './choices.ts';
import type { Asked } from './action.ts';

interface ControlsProps {
  readonly machine: Machine;
  readonly act: (action: Action) => void;
  readonly ask: (asked: Asked) => void;
  /** Among many others, so that none of its buttons stands out. */
  readonly isQuiet?: boolean;
}

/** The buttons of a card. */
export function Controls({ machine, act, ask, isQuiet }: ControlsProps): ReactElement {
  const { say } = useText();
  const { main, others } = choicesFor(machine, useMay());
  const choose = (choice: Choice) => ('does' in choice ? act(choice.does) : ask(choice.asks));
  return (
    <>
      {main && (
        <Button
          size="compact-sm"
          variant={main.label === 'stop' || isQuiet ? 'default' : 'filled'}
          leftSection={<Icon name={main.label === 'stop' ? 'stop' : 'play'} size={12} />}
          onClick={() => choose(main)}
        >
          {say(`do.${main.label}`)}
        </Button>
      )}
      {others.length > 0 && (
        <MoreMenu label={say('do.more', { name: machine.name })}>
          {others.map((choice) => (
            <Menu.Item
              key={choice.label}
              onClick={() => choose(choice)}
              {...(choice.danger ? { color: 'var(--broken)' } : {})}
            >
              {say(`do.${choice.label}`)}
            </Menu.Item>
          ))}
        </MoreMenu>
      )}
    </>
  );
}
