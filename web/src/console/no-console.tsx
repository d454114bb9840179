import { Button } from '@mantine/core';
import type { ReactElement } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { useMay } from '../data/rights.tsx';
import { Icon } from '../design/icon/icon.tsx';
import { SystemMark } from '../design/system-mark/system-mark.tsx';
import { useActions } from '../machine/actions.ts';
import { Busy, Outcome } from '../machine/outcome.tsx';
import { systemOf } from '../machine/system.ts';
import { useText } from '../text/text.ts';
import styles from './console.module.css';

interface NoConsoleProps {
  readonly machine: Machine;
  readonly state: Exclude<Machine['state'], 'running' | 'paused'>;
}

/** What is there instead of the console of a machine that does not run. */
export function NoConsole({ machine, state }: NoConsoleProps): ReactElement {
  const { say } = useText();
  const actions = useActions(machine);
  const { name, guestOS } = machine;
  const may = useMay();
  const canStart = may('machines.start') && (state === 'stopped' || state === 'suspended');
  return (
    <div className={styles.off}>
      <SystemMark system={systemOf(guestOS)} size={64} />
      <p>{say(`console.off.${state}`)}</p>
      {actions.doing ? (
        <Busy what={say(`busy.${actions.doing.kind}`)} name={name} progress={actions.doing.progress} />
      ) : (
        canStart && (
          <Button
            size="sm"
            variant="filled"
            leftSection={<Icon name="play" size={12} />}
            onClick={() => actions.act({ kind: 'start' })}
          >
            {say(state === 'suspended' ? 'do.resume' : 'do.start')}
          </Button>
        )
      )}
      <Outcome {...actions} />
    </div>
  );
}
