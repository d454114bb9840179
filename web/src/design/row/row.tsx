import type { ReactElement, ReactNode } from 'react';
import styles from './row.module.css';

/** Fields beside each other, or a field and its button. Fields take the room that there is. */
export function Row({ children }: { children: ReactNode }): ReactElement {
  return <div className={styles.row}>{children}</div>;
}
