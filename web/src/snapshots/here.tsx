import { Button, Checkbox, NumberInput, Textarea, TextInput } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import { maxClones } from '../../../src/api/limits.ts';
import { client } from '../data/client.ts';
import { Permitted } from '../data/rights.tsx';
import { useText } from '../text/text.ts';
import styles from './snapshots.module.css';
import type { FormProps } from './task.ts';

/** What can be done with the present state: a snapshot of it, and clones. */
export function Here(props: FormProps): ReactElement {
  const isRunning = props.machine.state === 'running';
  return (
    <>
      <Permitted to="snapshots.take">
        <TakeForm {...props} />
      </Permitted>
      <Permitted to="machines.clone">{isRunning && <InstantCloneForm {...props} />}</Permitted>
    </>
  );
}

function TakeForm({ machine, run, isBusy }: FormProps): ReactElement {
  const { say } = useText();
  const [label, setLabel] = useState('');
  const [description, setDescription] = useState('');
  const [diskOnly, setDiskOnly] = useState(false);
  const isOn = machine.state === 'running' || machine.state === 'paused';
  const take = () =>
    run('take', async (options) => {
      const about = {
        ...(label.trim() === '' ? {} : { label: label.trim() }),
        ...(description === '' ? {} : { description }),
        diskOnly: isOn && diskOnly,
      };
      const taken = await client.snapshots.take(machine.id, about, options);
      setLabel('');
      setDescription('');
      return [say('done.snapshot', { label: taken.label }), ...taken.notes].join(' ');
    });
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        take();
      }}
    >
      <h2>{say('snapshots.take')}</h2>
      <p>{say('ask.snapshot.help')}</p>
      <TextInput
        size="xs"
        label={say('ask.snapshot.label')}
        placeholder={say('snapshots.labelAuto')}
        value={label}
        maxLength={80}
        onChange={(event) => setLabel(event.currentTarget.value)}
      />
      <Textarea
        size="xs"
        label={say('snapshots.description')}
        value={description}
        maxLength={4000}
        rows={2}
        onChange={(event) => setDescription(event.currentTarget.value)}
      />
      {isOn && (
        <Checkbox
          size="xs"
          label={say('snapshots.diskOnly')}
          checked={diskOnly}
          onChange={(event) => setDiskOnly(event.currentTarget.checked)}
        />
      )}
      <Button size="xs" type="submit" disabled={isBusy}>
        {say('do.snapshot')}
      </Button>
    </form>
  );
}

function InstantCloneForm({ machine, run, isBusy }: FormProps): ReactElement {
  const { say } = useText();
  const [name, setName] = useState(`${machine.name}-clone`);
  const [count, setCount] = useState(1);
  const clone = () =>
    run('clone', async (options) => {
      const { machines, notes } = await client.machines.clone(
        machine.id,
        { name: name.trim(), kind: 'instant', count, wait: 'none' },
        options,
      );
      return [say('snapshots.cloned', { count: machines.length }), ...notes].join(' ');
    });
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        clone();
      }}
    >
      <h2>{say('snapshots.instant')}</h2>
      <p>{say('snapshots.instantHelp')}</p>
      <div className={styles.pair}>
        <TextInput
          size="xs"
          label={say('snapshots.cloneName')}
          value={name}
          maxLength={80}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <NumberInput
          size="xs"
          label={say('snapshots.count')}
          value={count}
          min={1}
          max={maxClones}
          allowDecimal={false}
          clampBehavior="strict"
          onChange={(value) => setCount(Math.max(1, Number(value)))}
        />
      </div>
      <Button size="xs" variant="default" type="submit" disabled={isBusy || name.trim() === ''}>
        {say('snapshots.clone', { count })}
      </Button>
    </form>
  );
}
