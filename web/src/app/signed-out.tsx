import type { ReactElement } from 'react';
import { CommandLine } from '../design/command-line/command-line.tsx';
import { useText } from '../text/text.ts';
import styles from './app.module.css';

/** What a browser without a session sees. */
export function SignedOut(): ReactElement {
  const { say } = useText();
  return (
    <main className={styles.out}>
      <img src="/kame.svg" width={40} height={40} alt="" />
      <h1>{say('out.title')}</h1>
      <p>{say('out.text')}</p>
      <CommandLine text="kame open" />
    </main>
  );
}
