import { ActionIcon } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';
import { Icon } from '../icon/icon.tsx';
import { useText } from '../../text/text.ts';
import styles from './note.module.css';

interface NoteProps {
  readonly kind: 'error' | 'done';
  readonly children: ReactNode;
  readonly dismiss?: () => void;
}

/** A message about what was done. A screen reader says it as it appears. */
export function Note({ kind, children, dismiss }: NoteProps): ReactElement {
  const { say } = useText();
  return (
    <div className={styles.note} data-kind={kind} role={kind === 'error' ? 'alert' : 'status'}>
      {kind === 'error' && (
        <span className={styles.sign}>
          <Icon name="warning" />
        </span>
      )}
      <div>{children}</div>
      {dismiss && (
        <ActionIcon size="sm" variant="subtle" color="gray" aria-label={say('do.dismiss')} onClick={dismiss}>
          <Icon name="close" size={14} />
        </ActionIcon>
      )}
    </div>
  );
}
