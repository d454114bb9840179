import type { ReactElement } from 'react';
import { Note } from '../design/note/note.tsx';
import type { Trouble } from './trouble.ts';
import { TroubleText } from './trouble-text.tsx';

/** A message about what went wrong. */
export function TroubleNote({ trouble, dismiss }: { trouble: Trouble; dismiss?: () => void }): ReactElement {
  return (
    <Note kind="error" {...(dismiss ? { dismiss } : {})}>
      <TroubleText trouble={trouble} />
    </Note>
  );
}
