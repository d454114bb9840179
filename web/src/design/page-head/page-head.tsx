import { useEffect, type ReactElement, type ReactNode } from 'react';
import { Link } from 'wouter';
import { useText } from '../../text/text.ts';
import styles from './page-head.module.css';

interface PageHeadProps {
  readonly title: string;
  /** What stands beside the title. */
  readonly children?: ReactNode;
}

/** The head of a room: the way back to the machines, the title, and what belongs to all of the room. */
export function PageHead({ title, children }: PageHeadProps): ReactElement {
  const { say } = useText();
  useEffect(() => {
    document.title = `${title} · Kame`;
    return () => {
      document.title = 'Kame';
    };
  }, [title]);
  return (
    <div className={styles.head}>
      <Link href="/" className={styles.back} aria-label={say('lacking.back')}>
        ‹
      </Link>
      <h1 title={title}>{title}</h1>
      {children}
    </div>
  );
}
