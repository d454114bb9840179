import { Button, TextInput } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import { KameError } from '../../../src/core/errors.ts';
import { signInAs } from '../data/session.ts';
import { Note } from '../design/note/note.tsx';
import { useText, type Say } from '../text/text.ts';
import styles from './app.module.css';

function reasonOf(error: unknown, say: Say): string {
  if (!(error instanceof KameError)) return say('in.unreachable');
  if (error.code === 'WRONG_PASSWORD') return say('in.wrong');
  const { seconds } = error.details;
  if (error.code === 'TOO_MANY_ATTEMPTS' && typeof seconds === 'number') return say('in.wait', { seconds });
  return error.message;
}

/** Where users sign in from other computers. */
export function SignIn(): ReactElement {
  const { say } = useText();
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [reason, setReason] = useState<string>();
  const send = async () => {
    setBusy(true);
    setReason(undefined);
    const failure = await signInAs(user.trim(), password).catch((error: unknown) => error);
    if (failure === undefined) {
      // Everything that the page knew was asked for by somebody else, or by nobody.
      location.reload();
      return;
    }
    setBusy(false);
    setPassword('');
    setReason(reasonOf(failure, say));
  };
  return (
    <form
      className={styles.signIn}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <TextInput
        label={say('in.user')}
        value={user}
        maxLength={64}
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        autoFocus
        required
        withAsterisk={false}
        onChange={(event) => setUser(event.currentTarget.value)}
      />
      <TextInput
        label={say('in.password')}
        type="password"
        value={password}
        maxLength={1024}
        autoComplete="current-password"
        required
        withAsterisk={false}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
      {reason !== undefined && (
        <Note kind="error">
          <p>{reason}</p>
        </Note>
      )}
      <Button type="submit" fullWidth loading={isBusy} disabled={user.trim() === '' || password === ''}>
        {say('in.submit')}
      </Button>
    </form>
  );
}
