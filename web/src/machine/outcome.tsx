import { Progress } from '@mantine/core';
import type { ReactElement } from 'react';
import { Note } from '../design/note.tsx';
import { useText } from '../text/text.ts';
import type { Actions } from './actions.ts';
import styles from './machine.module.css';

/** How far an action is. */
export function Busy({ doing, name }: { doing: NonNullable<Actions['doing']>; name: string }): ReactElement {
  const { say } = useText();
  const { kind, progress } = doing;
  const { done, total } = progress ?? {};
  const isKnown = done !== undefined && total !== undefined && total > 0;
  const what = say(`busy.${kind}`);
  return (
    <div className={styles.busy} role="status">
      <p>{progress ? `${what}: ${progress.stage}` : what}</p>
      <Progress
        size="xs"
        aria-label={`${name}: ${what}`}
        value={isKnown ? (100 * done) / total : 100}
        animated={!isKnown}
      />
    </div>
  );
}

/** How the last action ended, if a person must know. */
export function Outcome({ trouble, taken, dismiss }: Actions): ReactElement {
  const { say } = useText();
  return (
    <>
      {trouble && (
        <Note kind="error" dismiss={dismiss}>
          <p>{trouble.message}</p>
          {trouble.next !== '' && <p>{trouble.next}</p>}
        </Note>
      )}
      {taken !== undefined && (
        <Note kind="done" dismiss={dismiss}>
          <p>{say('done.snapshot', { label: taken })}</p>
        </Note>
      )}
    </>
  );
}
