import { Button, Popover } from '@mantine/core';
import { useEffect, type ReactElement } from 'react';
import { Link } from 'wouter';
import { useStore } from '../data/store.ts';
import { Icon } from '../design/icon/icon.tsx';
import { isAnyWorking, outOfSight, type KeptTask } from '../machine/kept-task.ts';
import { Busy, Outcome } from '../machine/outcome.tsx';
import { useText, type Say } from '../text/text.ts';
import styles from './app.module.css';

/** A browser asks before it closes a window, or loads it again, in which something would break off. */
function useAskBeforeLeaving(): void {
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => {
      if (isAnyWorking()) event.preventDefault();
    };
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
  }, []);
}

const icons = { busy: 'tasks', failed: 'warning', done: 'done' } as const;

function stateOf(tasks: readonly KeptTask[], say: Say): { kind: keyof typeof icons; text: string } {
  const states = tasks.map(({ task }) => task.state.get());
  const count = states.filter(({ doing }) => doing).length;
  if (count > 0) return { kind: 'busy', text: say('tray.busy', { count }) };
  const kind = states.some(({ trouble }) => trouble) ? 'failed' : 'done';
  return { kind, text: say(`tray.${kind}`) };
}

/** What was begun on a page that was left: how far it is, and how it ended. It can be cancelled from everywhere. */
export function Tray(): ReactElement | null {
  const { say } = useText();
  const tasks = useStore(outOfSight);
  useAskBeforeLeaving();
  if (tasks.length === 0) return null;
  const { kind, text } = stateOf(tasks, say);
  return (
    <Popover position="bottom-end" width={340} shadow="md" withinPortal={false} trapFocus returnFocus>
      <Popover.Target>
        <Button
          size="compact-sm"
          variant="default"
          className={styles.tray}
          data-kind={kind}
          aria-label={text}
        >
          <Icon name={icons[kind]} size={14} />
          <span>{text}</span>
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={say('tray.title')}>
        <ul className={styles.going}>
          {tasks.map((kept) => (
            <Going key={kept.key} kept={kept} />
          ))}
        </ul>
      </Popover.Dropdown>
    </Popover>
  );
}

function Going({ kept: { about, task } }: { kept: KeptTask }): ReactElement {
  const { title, page, what } = about;
  const { doing, trouble, done } = task.state.get();
  return (
    <li>
      <Link href={page}>{title}</Link>
      {doing && (
        <Busy
          what={what(doing.kind)}
          name={title}
          progress={doing.progress}
          rate={doing.rate}
          cancel={task.cancel}
        />
      )}
      <Outcome trouble={trouble} done={done} dismiss={task.dismiss} />
    </li>
  );
}
