import type { ReactElement } from 'react';
import { Link } from 'wouter';
import { useText } from '../../text/text.ts';
import styles from './not-found.module.css';

/** What an address shows that leads nowhere, or to a machine that is gone. */
export function NotFound({ what }: { what?: 'machine' }): ReactElement {
  const { say } = useText();
  return (
    <section className={styles.lacking}>
      <h1>{say(what === 'machine' ? 'lacking.machine' : 'lacking.title')}</h1>
      <p>
        <Link href="/">{say('lacking.back')}</Link>
      </p>
    </section>
  );
}
