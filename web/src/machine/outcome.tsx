import { Button, Progress } from '@mantine/core';
import type { ReactElement } from 'react';
import { Link } from 'wouter';
import { Note } from '../design/note/note.tsx';
import type { ProgressReport } from '../../../src/api/generated/shapes.ts';
import { TroubleNote } from './trouble-note.tsx';
import { useStage } from '../text/stage-texts.ts';
import { useText, type Say } from '../text/text.ts';
import { formatSize } from '../../../src/core/units.ts';
import type { TaskRunner } from './task.ts';
import styles from './machine.module.css';

interface BusyProps {
  /** What is being done, and to what. */
  readonly what: string;
  readonly name: string;
  readonly progress: ProgressReport | undefined;
  /** Bytes a second. */
  readonly rate?: number | undefined;
  /** Ends the task, if a person may. */
  readonly cancel?: () => void;
}

interface Amounts {
  readonly done: number;
  readonly total: number;
  readonly rate: number | undefined;
}

/** How many bytes of how many, how fast, and how long it will take. */
function amounts({ done, total, rate }: Amounts, say: Say): string {
  const parts = [`${formatSize(done)} / ${formatSize(total)}`];
  if (rate !== undefined && rate > 0) {
    parts.push(say('task.rate', { size: formatSize(rate) }));
    const seconds = (total - done) / rate;
    const isShort = seconds < 90;
    parts.push(
      say(isShort ? 'task.seconds' : 'task.minutes', { time: Math.ceil(isShort ? seconds : seconds / 60) }),
    );
  }
  return parts.join(' · ');
}

/** How far a task is. */
export function Busy({ what, name, progress, rate, cancel }: BusyProps): ReactElement {
  const { say } = useText();
  const { done, total } = progress ?? {};
  const stage = useStage(progress?.stage ?? '');
  const isKnown = done !== undefined && total !== undefined && total > 0;
  return (
    <div className={styles.busy}>
      {/* Its steps are said; its numbers, which change all the time, are not. */}
      <p role="status">{progress ? `${what}: ${stage}` : what}</p>
      <Progress
        size="xs"
        aria-label={`${name}: ${what}`}
        value={isKnown ? (100 * done) / total : 100}
        animated={!isKnown}
      />
      {isKnown && progress?.unit === 'bytes' && <p className="mono">{amounts({ done, total, rate }, say)}</p>}
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
  const { say } = useText();
  return (
    <>
      {trouble && <TroubleNote trouble={trouble} dismiss={dismiss} />}
      {done !== undefined && (
        <Note kind="done" dismiss={dismiss}>
          <p>{done.said}</p>
          {done.page !== undefined && (
            <p>
              <Link href={done.page} onClick={dismiss}>
                {say('task.open')}
              </Link>
            </p>
          )}
        </Note>
      )}
    </>
  );
}
