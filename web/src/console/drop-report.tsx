import { Button, Progress } from '@mantine/core';
import type { ReactElement } from 'react';
import { formatSize } from '../../../src/core/units.ts';
import { Note } from '../design/note/note.tsx';
import { TroubleNote } from '../machine/trouble-note.tsx';
import { useText } from '../text/text.ts';
import styles from './console.module.css';
import type { Drop } from './use-drop.ts';

/** How far a copy of dropped files is, and how it ended. */
export function DropReport({ drop }: { drop: Drop }): ReactElement {
  const { say } = useText();
  const { copying, copied, trouble, cancel, dismiss } = drop;
  return (
    <>
      {copying && (
        <div className={styles.copying} role="status">
          <span>{say('drop.copying', { count: copying.files })}</span>
          <Progress
            size="xs"
            aria-label={say('drop.copying', { count: copying.files })}
            value={copying.total === 0 ? 100 : (100 * copying.done) / copying.total}
            animated={copying.done === 0}
          />
          <span className="mono">
            {formatSize(copying.done)} / {formatSize(copying.total)}
          </span>
          <Button size="compact-sm" variant="default" onClick={cancel}>
            {say('do.cancel')}
          </Button>
        </div>
      )}
      {copied && (
        <Note kind="done" dismiss={dismiss}>
          <p>{say('drop.done', { count: copied.files, path: copied.path })}</p>
        </Note>
      )}
      {trouble && <TroubleNote trouble={trouble} dismiss={dismiss} />}
    </>
  );
}
