import type { KeyboardEvent, ReactElement } from 'react';
import type { Machine, Snapshot } from '../../../src/api/generated/shapes.ts';
import { treeLines } from '../../../src/client/core/snapshot-lines.ts';
import { snapshotPicture } from '../data/snapshots.ts';
import { Choice } from '../design/choice/choice.tsx';
import { Icon } from '../design/icon/icon.tsx';
import { useText, type Language } from '../text/text.ts';
import styles from './snapshots.module.css';
import { stepIn } from './tree-keys.ts';

interface TreeProps {
  readonly machine: Machine;
  readonly snapshots: readonly Snapshot[];
  /** The uid of the chosen snapshot, or null for the present state. */
  readonly chosen: number | null;
  readonly choose: (uid: number | null) => void;
}

/** Characters of a stroke. */
const strokeLength = 3;

/** What a stroke of the tree looks like as the class of a cell. */
const cells: Readonly<Record<string, string | undefined>> = {
  '│  ': styles.pass,
  '├─ ': styles.branch,
  '└─ ': styles.last,
};

/** A time as people here write it. */
export function whenText(iso: string, language: Language): string {
  return new Date(iso).toLocaleString(language, { dateStyle: 'medium', timeStyle: 'short' });
}

function Strokes({ strokes }: { strokes: string }): ReactElement {
  const parts = Array.from({ length: strokes.length / strokeLength }, (_, at) =>
    strokes.slice(at * strokeLength, (at + 1) * strokeLength),
  );
  return (
    <span className={styles.strokes} aria-hidden>
      {parts.map((part, at) => (
        // A stroke has no identity but its place.
        // oxlint-disable-next-line react/no-array-index-key
        <span key={at} className={cells[part] ?? styles.gap} />
      ))}
    </span>
  );
}

interface EntryProps {
  readonly machine: Machine;
  readonly snapshot: Snapshot;
  readonly level: number;
  readonly isChosen: boolean;
  readonly choose: () => void;
}

function Entry({ machine, snapshot, level, isChosen, choose }: EntryProps): ReactElement {
  const { say, language } = useText();
  const { uid, label, createdAt, memory, autoProtect, screen } = snapshot;
  const kinds = [
    whenText(createdAt, language),
    ...(memory ? [say('snapshots.memory')] : []),
    ...(autoProtect ? [say('snapshots.auto')] : []),
  ];
  return (
    <Choice
      label={label}
      help={kinds.join(' · ')}
      picture={
        <span className={styles.picture}>
          {screen ? (
            <img src={snapshotPicture(machine.id, uid)} alt="" loading="lazy" />
          ) : (
            <Icon name="snapshot" size={18} />
          )}
        </span>
      }
      isChosen={isChosen}
      level={level}
      choose={choose}
    />
  );
}

/** The tree of snapshots. A click or an arrow key chooses a line. */
export function Tree({ machine, snapshots, chosen, choose }: TreeProps): ReactElement {
  const { say } = useText();
  const lines = treeLines(snapshots).map(({ strokes, snapshot }) => ({
    ...{ strokes, snapshot, uid: snapshot?.uid ?? null },
    level: 1 + strokes.length / strokeLength,
  }));
  const levels = lines.map(({ level }) => level);
  const onKeyDown = (event: KeyboardEvent<HTMLUListElement>) => {
    const from = lines.findIndex(({ uid }) => uid === chosen);
    const to = stepIn(levels, from, event.key);
    const line = lines[to];
    if (!line) return;
    event.preventDefault();
    choose(line.uid);
    event.currentTarget.querySelectorAll<HTMLElement>('[role=treeitem]')[to]?.focus();
  };
  return (
    <ul role="tree" className={styles.tree} aria-label={say('snapshots.tree')} onKeyDown={onKeyDown}>
      {lines.map(({ strokes, snapshot, uid, level }) => (
        <li key={uid ?? 'here'} role="none" className={styles.line}>
          <Strokes strokes={strokes} />
          <div className={styles.entry}>
            {snapshot ? (
              <Entry
                machine={machine}
                snapshot={snapshot}
                level={level}
                isChosen={chosen === uid}
                choose={() => choose(uid)}
              />
            ) : (
              <Choice
                label={say('snapshots.here')}
                isChosen={chosen === null}
                isOpen
                level={level}
                choose={() => choose(null)}
              />
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}
