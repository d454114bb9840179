import type { ReactElement } from 'react';
import { Note } from '../design/note/note.tsx';
import { troubleOf } from './task.ts';

/** Why something cannot be shown. */
export function Failure({ error }: { error: unknown }): ReactElement {
  const { message, next } = troubleOf(error);
  return (
    <Note kind="error">
      <p>{message}</p>
      {next !== '' && <p>{next}</p>}
    </Note>
  );
}
