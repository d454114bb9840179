import { useState, type ReactElement } from 'react';
import type { CreateMachine } from '../../../src/api/generated/shapes.ts';
import { client } from '../data/client.ts';
import { useImages } from '../data/images.ts';
import { useMachines } from '../data/machines.ts';
import { Column, Columns } from '../design/columns/columns.tsx';
import { PageHead } from '../design/page-head/page-head.tsx';
import { ImportPanel } from './import-panel.tsx';
import { useImport } from './use-import.ts';
import { newPage } from '../machine/addresses.ts';
import { Failure } from '../machine/failure.tsx';
import { Busy, Outcome } from '../machine/outcome.tsx';
import { useKeptTask } from '../machine/kept-task.ts';
import { useText } from '../text/text.ts';
import { MachineForm } from './machine-form.tsx';
import styles from './new.module.css';
import type { Source } from './plan.ts';
import { Sources } from './sources.tsx';
import { useArrive } from './use-arrive.ts';

/** Where a new machine is made: what it begins with, and what it is. */
export function NewPage(): ReactElement {
  const { say } = useText();
  const arrive = useArrive();
  const { images, error } = useImages();
  const { machines } = useMachines();
  const [chosen, choose] = useState<Source>();
  const task = useKeptTask<'create'>('create', {
    ...{ title: say('new.title'), page: newPage },
    what: () => say('new.creating'),
  });
  const { doing } = task;
  const taken = (machines ?? []).map(({ name }) => name);
  const incoming = useImport(taken);
  const isImport =
    incoming.name !== undefined || incoming.doing !== undefined || incoming.trouble !== undefined;
  const first = images?.[0];
  const source = isImport ? undefined : (chosen ?? (first && { kind: 'image', image: first }));
  const create = (request: CreateMachine, isStarted: boolean) =>
    task.run('create', async (options) => {
      const machine = await client.machines.create(request, options);
      if (isStarted) await client.machines.start(machine.id, { wait: 'none' }, options);
      return arrive(machine, task.isInSight);
    });
  return (
    <div className={styles.room}>
      <PageHead title={say('new.title')} />
      {error !== null && <Failure error={error} />}
      <Columns kind="side">
        <Sources
          images={images ?? []}
          source={source}
          choose={(next) => {
            if (isImport) incoming.close();
            choose(next);
          }}
          incoming={incoming}
        />
        <Column>
          {isImport && <ImportPanel incoming={incoming} />}
          {source && machines && (
            <MachineForm
              // The fields that nobody has changed follow the source.
              key={source.kind === 'iso' ? 'iso' : `${source.image.id} ${source.image.arch}`}
              source={source}
              taken={taken}
              isBusy={doing !== undefined}
              create={create}
            />
          )}
          {doing && (
            <Busy
              what={say('new.creating')}
              name={say('new.title')}
              progress={doing.progress}
              cancel={task.cancel}
            />
          )}
          <Outcome {...task} />
          <Outcome {...incoming} trouble={undefined} />
        </Column>
      </Columns>
    </div>
  );
}
