import { Button, Progress } from '@mantine/core';
import type { ReactElement } from 'react';
import { Note } from '../design/note/note.tsx';
import type { ProgressReport } from '../../../src/core/progress.ts';
import { TroubleNote } from './trouble-note.tsx';
import { useText } from '../text/text.ts';
import type { TaskRunner } from './task.ts';
import styles from './machine.module.css';

interface BusyProps {
  /** What is being done, and to what. */
  readonly what: string;
  readonly name: string;
  readonly progress: ProgressReport | undefined;
  /** Ends the task, if a person may. */
  readonly cancel?: () => void;
}

/** How far a task is. */
export function Busy({ what, name, progress, cancel }: BusyProps): ReactElement {
  const { say } = useText();
  const { done, total } = progress ?? {};
  const isKnown = done !== undefined && total !== undefined && total > 0;
  return (
    <div className={styles.busy} role="status">
      <p>{progress ? `${what}: ${progress.stage}` : what}</p>
      <Progress
        size="xs"
        aria-label={`${name}: ${what}`}
        value={isKnown ? (100 * done) / total : 100}
        animated={!isKnown}
      />
      {cancel && (
        <Button size="compact-xs" variant="subtle" color="gray" onClick={cancel}>
          {say('do.cancel')}
        </Button>
      )}
    </div>
  );
}

type OutcomeProps = Pick<TaskRunner<unknown>, 'trouble' | 'done' | 'dismiss'>;

/** How the last task ended, if a person must know. */
export function Outcome({ trouble, done, dismiss }: OutcomeProps): ReactElement {
  return (
    <>
      {trouble && <TroubleNote trouble={trouble} dismiss={dismiss} />}
      {done !== undefined && (
        <Note kind="done" dismiss={dismiss}>
          <p>{done}</p>
        </Note>
      )}
    </>
  );
}
