import type { ReactElement } from 'react';
import type { SignedOut as With } from '../data/session.ts';
import { CommandLine } from '../design/command-line/command-line.tsx';
import { useText } from '../text/text.ts';
import styles from './app.module.css';
import { SignIn } from './sign-in.tsx';

/** What a browser without a session sees. @param has ended a session that it had before */
export function SignedOut({ signIn, hasEnded }: { signIn: With; hasEnded: boolean }): ReactElement {
  const { say } = useText();
  const isPassword = signIn === 'password';
  return (
    <main className={styles.out}>
      <img src="/kame.svg" width={40} height={40} alt="" />
      <h1>{say(isPassword ? 'in.title' : 'out.title')}</h1>
      <p>{say(isPassword ? (hasEnded ? 'in.ended' : 'in.text') : 'out.text')}</p>
      {isPassword ? <SignIn /> : <CommandLine text="kame open" />}
    </main>
  );
}
