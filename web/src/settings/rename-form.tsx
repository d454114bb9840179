import { Button, TextInput } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import { client } from '../data/client.ts';
import { FormPanel } from '../design/panel/panel.tsx';
import { Row } from '../design/row/row.tsx';
import { useText } from '../text/text.ts';
import type { PartProps } from './part.ts';

/** The name of a machine. */
export function RenameForm({ machine, run, isBusy, isStopped }: PartProps): ReactElement {
  const { say } = useText();
  const [name, setName] = useState(machine.name);
  const rename = () =>
    run('name', async () => {
      const { id, name: before } = machine;
      const { name: after } = await client.machines.rename(id, { name: name.trim() });
      return {
        said: say('settings.renamed', { before, after }),
        undo: async () => await client.machines.rename(id, { name: before }),
      };
    });
  return (
    <FormPanel submit={rename}>
      <Row>
        <TextInput
          size="xs"
          label={say('settings.name')}
          value={name}
          maxLength={80}
          disabled={!isStopped}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Button
          size="xs"
          variant="default"
          type="submit"
          disabled={!isStopped || isBusy || name.trim() === machine.name || name.trim() === ''}
        >
          {say('settings.rename')}
        </Button>
      </Row>
    </FormPanel>
  );
}
