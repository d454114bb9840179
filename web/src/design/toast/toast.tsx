import type { ReactElement, ReactNode } from 'react';
import { Note } from '../note/note.tsx';
import styles from './toast.module.css';

interface ToastProps {
  readonly kind: 'done' | 'error';
  readonly children: ReactNode;
  /** What a person can do about it. */
  readonly action?: ReactNode;
  readonly dismiss: () => void;
}

/** A message at the edge of the window, about something whose own place may be out of sight. */
export function Toast({ kind, children, action, dismiss }: ToastProps): ReactElement {
  return (
    <div className={styles.toast}>
      <Note kind={kind} dismiss={dismiss}>
        <div className={styles.line}>
          <div className={styles.words}>{children}</div>
          {action}
        </div>
      </Note>
    </div>
  );
}
