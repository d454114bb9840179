import type { ReactElement, ReactNode } from 'react';
import styles from './columns.module.css';

interface ColumnsProps {
  /**
   * Two halves; a part with a narrow one beside it; or two halves of which the first becomes two thirds in a large window. One is
   * below the other where there is no room.
   */
  readonly kind: 'halves' | 'side' | 'wide';
  readonly children: ReactNode;
}

export function Columns({ kind, children }: ColumnsProps): ReactElement {
  return (
    <div className={styles.columns} data-kind={kind}>
      {children}
    </div>
  );
}

/** Panels below each other. */
export function Column({ children }: { children: ReactNode }): ReactElement {
  return <div className={styles.column}>{children}</div>;
}
