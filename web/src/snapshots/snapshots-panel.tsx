import { useState, type ReactElement } from 'react';
import type { Machine, Snapshot } from '../../../src/api/generated/shapes.ts';
import { Failure } from '../machine/failure.tsx';
import { useSnapshots } from '../data/snapshots.ts';
import { Permitted } from '../data/rights.tsx';
import { Column, Columns } from '../design/columns/columns.tsx';
import { Busy, Outcome } from '../machine/outcome.tsx';
import { machinePage } from '../machine/addresses.ts';
import { useKeptTask } from '../machine/kept-task.ts';
import { useText } from '../text/text.ts';
import { AutoProtectForm } from './auto-protect-form.tsx';
import { Here } from './here.tsx';
import { SnapshotView } from './snapshot-view.tsx';
import { Tree } from './tree.tsx';
import type { Task } from './task.ts';

/** The snapshots of a machine: their tree, and what can be done with the one that is chosen. */
export function SnapshotsPanel({ machine }: { machine: Machine }): ReactElement {
  const { say } = useText();
  const { snapshots, error } = useSnapshots(machine.id);
  const [chosen, choose] = useState<number | null>(null);
  const task = useKeptTask<Task>(`snapshots ${machine.id}`, {
    ...{ title: machine.name, page: machinePage(machine.id, 'snapshots') },
    what: (kind) => say(`snapshots.doing.${kind}`),
  });
  const { doing } = task;
  if (error) return <Failure error={error} />;
  if (!snapshots) return <p role="status">{say('app.loading')}</p>;
  const snapshot = snapshots.find(({ uid }) => uid === chosen);
  const props = { machine, run: task.run, isBusy: doing !== undefined };
  return (
    <Columns kind="side">
      <Tree machine={machine} snapshots={snapshots} chosen={snapshot?.uid ?? null} choose={choose} />
      <Column>
        {doing && (
          <Busy
            what={say(`snapshots.doing.${doing.kind}`)}
            name={machine.name}
            progress={doing.progress}
            cancel={task.cancel}
          />
        )}
        <Outcome {...task} />
        {snapshot ? (
          <SnapshotView
            key={snapshot.uid}
            {...props}
            snapshot={snapshot}
            hasChildren={hasChildren(snapshots, snapshot)}
          />
        ) : (
          <Here {...props} />
        )}
        <Permitted to="autoProtect.set">
          <AutoProtectForm {...props} />
        </Permitted>
      </Column>
    </Columns>
  );
}

function hasChildren(snapshots: readonly Snapshot[], { uid }: Snapshot): boolean {
  return snapshots.some(({ parent }) => parent === uid);
}
