import { Button, Checkbox, NumberInput } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { maxClones } from '../../../src/api/limits.ts';
import { client } from '../data/client.ts';
import { Permitted } from '../data/rights.tsx';
import { FormPanel } from '../design/panel/panel.tsx';
import { CloneName } from '../machine/clone-fields.tsx';
import { useText } from '../text/text.ts';
import { AboutFields, type About } from './about-fields.tsx';
import { cloneNames, FreshClones } from './fresh-clones.tsx';
import type { FormProps } from './task.ts';

function runsOrPauses({ state }: Machine): boolean {
  return state === 'running' || state === 'paused';
}

/** What can be done with the present state: a snapshot of it, and clones. */
export function Here(props: FormProps): ReactElement {
  const isOn = runsOrPauses(props.machine);
  return (
    <>
      <Permitted to="snapshots.take">
        <TakeForm {...props} />
      </Permitted>
      {/* The machine is paused for a moment while clones are made of it. */}
      <Permitted to="machines.clone">{isOn && <InstantCloneForm {...props} />}</Permitted>
    </>
  );
}

const nothing: About = { label: '', description: '' };

function TakeForm({ machine, run, isBusy }: FormProps): ReactElement {
  const { say } = useText();
  const [about, setAbout] = useState(nothing);
  const [diskOnly, setDiskOnly] = useState(false);
  const isOn = runsOrPauses(machine);
  const take = () =>
    run('take', async (options) => {
      const { label, description } = about;
      const request = {
        ...(label.trim() === '' ? {} : { label: label.trim() }),
        ...(description === '' ? {} : { description }),
        diskOnly: isOn && diskOnly,
      };
      const taken = await client.snapshots.take(machine.id, request, options);
      setAbout(nothing);
      return [say('done.snapshot', { label: taken.label }), ...taken.notes].join(' ');
    });
  return (
    <FormPanel title={say('snapshots.take')} help={say('ask.snapshot.help')} submit={take}>
      <AboutFields about={about} change={setAbout} placeholder={say('snapshots.labelAuto')} />
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
    </FormPanel>
  );
}

function InstantCloneForm({ machine, run, isBusy }: FormProps): ReactElement {
  const { say } = useText();
  const [name, setName] = useState(`${machine.name}-clone`);
  const [count, setCount] = useState(1);
  const [asked, setAsked] = useState<readonly string[]>([]);
  const canClone = machine.state === 'running' && !isBusy && name.trim() !== '';
  const clone = () =>
    run('clone', async (options) => {
      const request = { name: name.trim(), kind: 'instant', count, wait: 'none' } as const;
      setAsked(cloneNames(request.name, count));
      const { machines, notes } = await client.machines.clone(machine.id, request, options);
      return [say('clone.done', { count: machines.length }), ...notes].join(' ');
    });
  return (
    <FormPanel title={say('snapshots.instant')} help={say('snapshots.instantHelp')} submit={clone}>
      <CloneName name={name} change={setName}>
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
      </CloneName>
      <Button size="xs" variant="default" type="submit" disabled={!canClone}>
        {say('snapshots.clone', { count })}
      </Button>
      <FreshClones names={asked} />
    </FormPanel>
  );
}
