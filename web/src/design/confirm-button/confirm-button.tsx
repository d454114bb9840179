import { Button } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import { useText } from '../../text/text.ts';
import styles from './confirm-button.module.css';

interface ConfirmButtonProps {
  readonly label: string;
  /** What is lost. */
  readonly warning: string;
  readonly disabled: boolean;
  readonly act: () => void;
}

/** A button that must be pressed twice, because something is lost. */
export function ConfirmButton({ label, warning, disabled, act }: ConfirmButtonProps): ReactElement {
  const { say } = useText();
  const [isAsked, setAsked] = useState(false);
  if (!isAsked)
    return (
      <Button size="xs" variant="default" disabled={disabled} onClick={() => setAsked(true)}>
        {label}
      </Button>
    );
  return (
    <div role="alert">
      <p>{warning}</p>
      <div className={styles.buttons}>
        <Button size="xs" variant="default" autoFocus onClick={() => setAsked(false)}>
          {say('do.cancel')}
        </Button>
        <Button
          size="xs"
          color="red"
          disabled={disabled}
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
