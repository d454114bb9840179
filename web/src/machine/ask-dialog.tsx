import { Button, Modal } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';
import { useText } from '../text/text.ts';
import styles from './machine.module.css';

interface AskDialogProps {
  /** Undefined while nothing is asked. */
  readonly title: string | undefined;
  readonly close: () => void;
  readonly children: ReactNode;
}

/** A dialog that asks something before it is done. */
export function AskDialog({ title, close, children }: AskDialogProps): ReactElement {
  const { say } = useText();
  return (
    <Modal
      opened={title !== undefined}
      onClose={close}
      title={title}
      centered
      size="sm"
      // Locking would write a style into the page.
      lockScroll={false}
      closeButtonProps={{ 'aria-label': say('do.cancel') }}
    >
      {children}
    </Modal>
  );
}

interface AskFormProps {
  readonly help: string;
  readonly label: string;
  readonly close: () => void;
  readonly submit: () => void;
  readonly isDanger?: boolean;
  /** What was written cannot be sent. */
  readonly isIncomplete?: boolean;
  readonly children?: ReactNode;
}

/** What stands in such a dialog: a sentence, fields, and the two ways out. */
export function AskForm({
  help,
  label,
  close,
  submit,
  isDanger = false,
  isIncomplete = false,
  children,
}: AskFormProps): ReactElement {
  const { say } = useText();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        close();
        submit();
      }}
    >
      <p className={styles['ask-text']}>{help}</p>
      {children}
      <div className={styles.ask}>
        <Button size="xs" variant="default" onClick={close}>
          {say('do.cancel')}
        </Button>
        <Button size="xs" type="submit" disabled={isIncomplete} {...(isDanger ? { color: 'red' } : {})}>
          {label}
        </Button>
      </div>
    </form>
  );
}
