import { Button, Checkbox, NativeSelect, Textarea, TextInput } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import type { Snapshot } from '../../../src/api/generated/shapes.ts';
import { formatSize } from '../../../src/core/units.ts';
import { client } from '../data/client.ts';
import { Permitted } from '../data/rights.tsx';
import { snapshotPicture, useSnapshotDetails } from '../data/snapshots.ts';
import { Note } from '../design/note.tsx';
import { useText } from '../text/text.ts';
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
      <section className={styles.form}>
        {screen && (
          <img
            className={styles.large}
            src={snapshotPicture(machine.id, uid)}
            alt={say('snapshots.screen', { label })}
          />
        )}
        <h2>{label}</h2>
        <p>{facts.join(' · ')}</p>
        {description !== '' && <p className={styles.description}>{description}</p>}
        {details?.problems.map((problem) => (
          <Note key={problem} kind="error">
            <p>{problem}</p>
          </Note>
        ))}
        <Permitted to="snapshots.revert">
          <Revert {...props} />
        </Permitted>
      </section>
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

/** A button that must be pressed twice, because something is lost. */
function Twice({
  label,
  warning,
  isBusy,
  act,
}: {
  label: string;
  warning: string;
  isBusy: boolean;
  act: () => void;
}): ReactElement {
  const { say } = useText();
  const [isAsked, setAsked] = useState(false);
  if (!isAsked)
    return (
      <Button size="xs" variant="default" disabled={isBusy} onClick={() => setAsked(true)}>
        {label}
      </Button>
    );
  return (
    <div role="alert">
      <p>{warning}</p>
      <div className={styles.buttons}>
        <Button size="xs" variant="default" onClick={() => setAsked(false)}>
          {say('do.cancel')}
        </Button>
        <Button
          size="xs"
          color="red"
          disabled={isBusy}
          onClick={() => {
            setAsked(false);
            act();
          }}
        >
          {label}
        </Button>
      </div>
    </div>
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
    <Twice
      label={say('snapshots.revert')}
      warning={say('snapshots.revertWarning')}
      isBusy={isBusy}
      act={revert}
    />
  );
}

function EditForm({ machine, snapshot, run, isBusy }: ViewProps): ReactElement {
  const { say } = useText();
  const [label, setLabel] = useState(snapshot.label);
  const [description, setDescription] = useState(snapshot.description);
  const isSame = label.trim() === snapshot.label && description === snapshot.description;
  const save = () =>
    run('edit', async () => {
      await client.snapshots.edit(machine.id, `#${snapshot.uid}`, { label: label.trim(), description });
      return undefined;
    });
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <TextInput
        size="xs"
        label={say('ask.snapshot.label')}
        value={label}
        maxLength={255}
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
      <Button size="xs" variant="default" type="submit" disabled={isBusy || isSame || label.trim() === ''}>
        {say('do.save')}
      </Button>
    </form>
  );
}

function CloneForm({ machine, snapshot, run, isBusy }: ViewProps): ReactElement {
  const { say } = useText();
  const [name, setName] = useState(`${machine.name}-clone`);
  const [kind, setKind] = useState<'linked' | 'full'>('linked');
  const clone = () =>
    run('clone', async (options) => {
      const about = { name: name.trim(), kind, snapshot: `#${snapshot.uid}` };
      const { machines, notes } = await client.machines.clone(machine.id, about, options);
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
      <div className={styles.pair}>
        <TextInput
          size="xs"
          label={say('snapshots.cloneName')}
          value={name}
          maxLength={80}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <NativeSelect
          size="xs"
          label={say('snapshots.kind')}
          value={kind}
          data={(['linked', 'full'] as const).map((value) => ({ value, label: say(`snapshots.${value}`) }))}
          onChange={(event) => setKind(event.currentTarget.value === 'full' ? 'full' : 'linked')}
        />
      </div>
      <Button size="xs" variant="default" type="submit" disabled={isBusy || name.trim() === ''}>
        {say('snapshots.cloneFrom')}
      </Button>
    </form>
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
    return <p className={styles.help}>{say('snapshots.hasClones', { count: clones.length })}</p>;
  return (
    <section className={styles.form}>
      {hasChildren && (
        <Checkbox
          size="xs"
          label={say('snapshots.withChildren')}
          checked={children}
          onChange={(event) => setChildren(event.currentTarget.checked)}
        />
      )}
      <Twice
        label={say('snapshots.delete')}
        warning={say('snapshots.deleteWarning', { size: formatSize(bytes ?? 0) })}
        isBusy={isBusy}
        act={remove}
      />
    </section>
  );
}
