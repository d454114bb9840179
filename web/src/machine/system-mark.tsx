import type { ReactElement } from 'react';
import styles from './machine.module.css';
import { systemMark } from './system.ts';

/** The mark of a guest system beside its name. */
export function SystemMark({ guestOS }: { guestOS: string }): ReactElement {
  return (
    <span className={styles.sign} aria-hidden>
      {guestOS === '' ? '+' : systemMark(guestOS)}
    </span>
  );
}
