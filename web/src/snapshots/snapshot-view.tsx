import { Button, Checkbox } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import type { Snapshot } from '../../../src/api/generated/shapes.ts';
import { formatSize } from '../../../src/core/units.ts';
import { client } from '../data/client.ts';
import { Permitted } from '../data/rights.tsx';
import { snapshotPicture, useSnapshotDetails } from '../data/snapshots.ts';
import { ConfirmButton } from '../design/confirm-button/confirm-button.tsx';
import { Note } from '../design/note/note.tsx';
import { FormPanel, Panel } from '../design/panel/panel.tsx';
import type { CloneKind } from '../machine/action.ts';
import { CloneName, KindSelect } from '../machine/clone-fields.tsx';
import { useText } from '../text/text.ts';
import { AboutFields, type About } from './about-fields.tsx';
import styles from './snapshots.module.css';
import type { FormProps } from './task.ts';
import { whenText } from './tree.tsx';

interface ViewProps extends FormProps {
  readonly snapshot: Snapshot;
  readonly hasChildren: boolean;
}

/** The snapshot that is chosen: its facts, and what can be done with it. */
export function SnapshotView(props: ViewProps): ReactElement {
  const { machine, snapshot } = props;
  const { say, language } = useText();
  const details = useSnapshotDetails(machine.id, snapshot.uid);
  const { label, description, createdAt, state, screen, uid } = snapshot;
  const facts = [
    whenText(createdAt, language),
    say(`state.${state}`),
    ...(details ? [formatSize(details.bytes)] : []),
  ];
  return (
    <>
      <Panel title={label}>
        {screen && (
          <img
            className={styles.large}
            src={snapshotPicture(machine.id, uid)}
            alt={say('snapshots.screen', { label })}
          />
        )}
        <p className="help">{facts.join(' · ')}</p>
        {description !== '' && <p className={styles.description}>{description}</p>}
        {details?.problems.map((problem) => (
          <Note key={problem} kind="error">
            <p>{problem}</p>
          </Note>
        ))}
        <Permitted to="snapshots.revert">
          <Revert {...props} />
        </Permitted>
      </Panel>
      <Permitted to="snapshots.edit">
        <EditForm {...props} />
      </Permitted>
      <Permitted to="machines.clone">
        <CloneForm {...props} />
      </Permitted>
      <Permitted to="snapshots.delete">
        <Delete {...props} bytes={details?.bytes} />
      </Permitted>
    </>
  );
}

function Revert({ machine, snapshot: { uid, label }, run, isBusy }: ViewProps): ReactElement {
  const { say } = useText();
  const revert = () =>
    run('revert', async (options) => {
      const { notes } = await client.snapshots.revert(machine.id, `#${uid}`, { wait: 'none' }, options);
      return [say('snapshots.reverted', { label }), ...notes].join(' ');
    });
  return (
    <ConfirmButton
      label={say('snapshots.revert')}
      warning={say('snapshots.revertWarning')}
      disabled={isBusy}
      act={revert}
    />
  );
}

function EditForm({ machine, snapshot, run, isBusy }: ViewProps): ReactElement {
  const { say } = useText();
  const [about, setAbout] = useState<About>({ label: snapshot.label, description: snapshot.description });
  const label = about.label.trim();
  const isSame = label === snapshot.label && about.description === snapshot.description;
  const save = () =>
    run('edit', async () => {
      const edit = async (to: About) => await client.snapshots.edit(machine.id, `#${snapshot.uid}`, to);
      await edit({ ...about, label });
      const { label: was, description } = snapshot;
      return {
        said: say('snapshots.edited', { label }),
        undo: async () => await edit({ label: was, description }),
      };
    });
  return (
    <FormPanel submit={save}>
      <AboutFields about={about} change={setAbout} />
      <Button size="xs" variant="default" type="submit" disabled={isBusy || isSame || label === ''}>
        {say('do.save')}
      </Button>
    </FormPanel>
  );
}

function CloneForm({ machine, snapshot, run, isBusy }: ViewProps): ReactElement {
  const { say } = useText();
  const [name, setName] = useState(`${machine.name}-clone`);
  const [kind, setKind] = useState<CloneKind>('linked');
  const clone = () =>
    run('clone', async (options) => {
      const about = { name: name.trim(), kind, snapshot: `#${snapshot.uid}` };
      const { machines, notes } = await client.machines.clone(machine.id, about, options);
      return [say('clone.done', { count: machines.length }), ...notes].join(' ');
    });
  return (
    <FormPanel submit={clone}>
      <CloneName name={name} change={setName}>
        <KindSelect kind={kind} kinds={['linked', 'full']} change={setKind} />
      </CloneName>
      <Button size="xs" variant="default" type="submit" disabled={isBusy || name.trim() === ''}>
        {say('snapshots.cloneFrom')}
      </Button>
    </FormPanel>
  );
}

function Delete({
  machine,
  snapshot: { uid, label, clones },
  hasChildren,
  run,
  isBusy,
  bytes,
}: ViewProps & { bytes: number | undefined }): ReactElement {
  const { say } = useText();
  const [children, setChildren] = useState(false);
  const remove = () =>
    run('delete', async (options) => {
      const { bytesFreed, notes } = await client.snapshots.delete(
        machine.id,
        `#${uid}`,
        { children },
        options,
      );
      return [say('snapshots.deleted', { label, size: formatSize(Math.max(0, bytesFreed)) }), ...notes].join(
        ' ',
      );
    });
  if (clones.length > 0)
    return <p className="help">{say('snapshots.hasClones', { count: clones.length })}</p>;
  return (
    <Panel>
      {hasChildren && (
        <Checkbox
          size="xs"
          label={say('snapshots.withChildren')}
          checked={children}
          onChange={(event) => setChildren(event.currentTarget.checked)}
        />
      )}
      <ConfirmButton
        label={say('snapshots.delete')}
        warning={say('snapshots.deleteWarning', { size: formatSize(bytes ?? 0) })}
        disabled={isBusy}
        act={remove}
      />
    </Panel>
  );
}
