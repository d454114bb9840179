import { Button, Modal, TextInput } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import { useText } from '../text/text.ts';
import type { Action } from './actions.ts';
import styles from './machine.module.css';

/** What is asked before an action. */
export type Asked = 'off' | 'remove' | 'snapshot';

interface QuestionProps {
  readonly asked: Asked | undefined;
  readonly name: string;
  readonly act: (action: Action) => void;
  readonly close: () => void;
}

/** The dialog before an action that loses something, or that takes a label. */
export function Question({ asked, name, act, close }: QuestionProps): ReactElement {
  const { say } = useText();
  return (
    <Modal
      opened={asked !== undefined}
      onClose={close}
      title={asked && say(`ask.${asked}.title`, { name })}
      centered
      size="sm"
      // Locking would write a style into the page.
      lockScroll={false}
      closeButtonProps={{ 'aria-label': say('do.cancel') }}
    >
      {asked === 'snapshot' && <SnapshotForm {...{ act, close }} />}
      {(asked === 'off' || asked === 'remove') && <Confirm {...{ asked, act, close }} />}
    </Modal>
  );
}

type FormProps = Pick<QuestionProps, 'act' | 'close'>;

function Buttons({
  label,
  close,
  color,
}: {
  label: string;
  close: () => void;
  color?: string;
}): ReactElement {
  const { say } = useText();
  return (
    <div className={styles.ask}>
      <Button size="xs" variant="default" onClick={close}>
        {say('do.cancel')}
      </Button>
      <Button size="xs" type="submit" {...(color === undefined ? {} : { color })}>
        {label}
      </Button>
    </div>
  );
}

function Confirm({ asked, act, close }: FormProps & { asked: 'off' | 'remove' }): ReactElement {
  const { say } = useText();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        close();
        act({ kind: asked });
      }}
    >
      <p className={styles['ask-text']}>{say(`ask.${asked}.text`)}</p>
      <Buttons label={say(`do.${asked}`)} close={close} color="red" />
    </form>
  );
}

function SnapshotForm({ act, close }: FormProps): ReactElement {
  const { say } = useText();
  const [label, setLabel] = useState(() => new Date().toLocaleString('sv').slice(0, 16));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        close();
        act({ kind: 'snapshot', label: label.trim() });
      }}
    >
      <p className={styles['ask-text']}>{say('ask.snapshot.help')}</p>
      <TextInput
        label={say('ask.snapshot.label')}
        value={label}
        maxLength={80}
        data-autofocus
        onChange={(event) => setLabel(event.currentTarget.value)}
      />
      <Buttons label={say('do.snapshot')} close={close} />
    </form>
  );
}
