import { TextInput } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { useText } from '../text/text.ts';
import type { Action, Asked } from './action.ts';
import { AskDialog, AskForm } from './ask-dialog.tsx';
import { CloneName, cloneKinds, KindSelect } from './clone-fields.tsx';
import { FolderForm } from './folder-form.tsx';

interface QuestionProps {
  readonly asked: Asked | undefined;
  readonly machine: Machine;
  readonly act: (action: Action) => void;
  readonly close: () => void;
}

/** The dialog before an action that loses something, or that must know more. */
export function Question({ asked, machine, act, close }: QuestionProps): ReactElement {
  const { say } = useText();
  const { name, folder } = machine;
  const props = { machine, act, close };
  return (
    <AskDialog title={asked && say(`ask.${asked}.title`, { name })} close={close}>
      {asked === 'snapshot' && <SnapshotForm {...props} />}
      {asked === 'clone' && <CloneForm {...props} />}
      {asked === 'folder' && (
        <FolderForm first={folder} close={close} move={(to) => act({ kind: 'folder', folder: to })} />
      )}
      {(asked === 'off' || asked === 'delete') && (
        <AskForm
          help={say(`ask.${asked}.text`)}
          label={say(`do.${asked}`)}
          close={close}
          submit={() => act({ kind: asked })}
          isDanger
        />
      )}
    </AskDialog>
  );
}

type FormProps = Omit<QuestionProps, 'asked'>;

function SnapshotForm({ act, close }: FormProps): ReactElement {
  const { say } = useText();
  const [label, setLabel] = useState(() => new Date().toLocaleString('sv').slice(0, 16));
  return (
    <AskForm
      help={say('ask.snapshot.help')}
      label={say('do.snapshot')}
      close={close}
      submit={() => act({ kind: 'snapshot', label: label.trim() })}
    >
      <TextInput
        label={say('ask.snapshot.label')}
        value={label}
        maxLength={80}
        data-autofocus
        onChange={(event) => setLabel(event.currentTarget.value)}
      />
    </AskForm>
  );
}

function CloneForm({ machine, act, close }: FormProps): ReactElement {
  const { say } = useText();
  // The state may change while the dialog is open; what is asked for is what was offered.
  const [kinds] = useState(() => cloneKinds(machine.state));
  const [kind, setKind] = useState(kinds[0] ?? 'full');
  const [name, setName] = useState(`${machine.name}-clone`);
  return (
    <AskForm
      help={say(`ask.clone.${kind}`)}
      label={say('do.clone')}
      close={close}
      submit={() => act({ kind: 'clone', name: name.trim(), as: kind })}
      isIncomplete={name.trim() === ''}
    >
      <CloneName name={name} change={setName}>
        {kinds.length > 1 && <KindSelect kind={kind} kinds={kinds} change={setKind} />}
      </CloneName>
    </AskForm>
  );
}
