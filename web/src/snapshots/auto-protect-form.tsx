import { NativeSelect, NumberInput, Switch } from '@mantine/core';
import type { ReactElement } from 'react';
import { autoProtectPeriods, maxAutoProtectKeep } from '../../../src/api/limits.ts';
import { client } from '../data/client.ts';
import { useAutoProtect } from '../data/snapshots.ts';
import { Panel } from '../design/panel/panel.tsx';
import { Row } from '../design/row/row.tsx';
import { useText } from '../text/text.ts';
import type { FormProps } from './task.ts';

/** Snapshots that are taken by themselves while the machine runs. */
export function AutoProtectForm({ machine, run, isBusy }: FormProps): ReactElement | null {
  const { say } = useText();
  const now = useAutoProtect(machine.id);
  if (!now) return null;
  const change = (to: Partial<Pick<typeof now, 'enabled' | 'every' | 'keep'>>) =>
    run('protect', async () => {
      const { enabled, every, keep } = { ...now, ...to };
      await client.autoProtect.set(machine.id, { enabled, every, keep });
      return undefined;
    });
  return (
    <Panel>
      <Switch
        size="xs"
        label={say('snapshots.protect')}
        description={say('snapshots.protectHelp')}
        checked={now.enabled}
        disabled={isBusy}
        onChange={(event) => change({ enabled: event.currentTarget.checked })}
      />
      {now.enabled && (
        <Row>
          <NativeSelect
            size="xs"
            label={say('snapshots.every')}
            value={now.every}
            disabled={isBusy}
            data={autoProtectPeriods.map((value) => ({ value, label: say(`snapshots.every.${value}`) }))}
            onChange={(event) => {
              const every = autoProtectPeriods.find((each) => each === event.currentTarget.value);
              if (every) change({ every });
            }}
          />
          <NumberInput
            size="xs"
            label={say('snapshots.keep')}
            value={now.keep}
            min={1}
            max={maxAutoProtectKeep}
            allowDecimal={false}
            clampBehavior="strict"
            disabled={isBusy}
            onChange={(value) => {
              const keep = Number(value);
              if (keep >= 1 && keep !== now.keep) change({ keep });
            }}
          />
        </Row>
      )}
    </Panel>
  );
}
