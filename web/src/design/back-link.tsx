import type { ReactElement } from 'react';
import { Link } from 'wouter';
import { useText } from '../text/text.ts';
import styles from './back-link.module.css';

/** The way from another room back to the machines. */
export function BackLink(): ReactElement {
  const { say } = useText();
  return (
    <Link href="/" className={styles.back} aria-label={say('lacking.back')}>
      ‹
    </Link>
  );
}
