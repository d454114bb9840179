import { TextInput } from '@mantine/core';
import { useId, useState, type ReactElement } from 'react';
import { folderNamed } from '../../../src/model/folder.ts';
import { useMachines } from '../data/machines.ts';
import { useText } from '../text/text.ts';
import { AskForm } from './ask-dialog.tsx';

interface FolderFormProps {
  readonly first: string;
  readonly close: () => void;
  readonly move: (folder: string) => void;
}

/** Into which folder machines are moved. Those that there are can be chosen. */
export function FolderForm({ first, close, move }: FolderFormProps): ReactElement {
  const { say } = useText();
  const list = useId();
  const { machines = [] } = useMachines();
  const [text, setText] = useState(first);
  const folder = folderNamed(text);
  const known = [...new Set(machines.map((machine) => machine.folder))].filter((each) => each !== '').sort();
  return (
    <AskForm
      help={say('ask.folder.help')}
      label={say('do.move')}
      close={close}
      submit={() => move(folder ?? '')}
      isIncomplete={folder === undefined}
    >
      <TextInput
        label={say('ask.folder.label')}
        value={text}
        maxLength={700}
        list={list}
        data-autofocus
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <datalist id={list}>
        {known.map((each) => (
          <option key={each} value={each} />
        ))}
      </datalist>
    </AskForm>
  );
}
