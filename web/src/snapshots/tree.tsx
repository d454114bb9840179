import type { ReactElement } from 'react';
import type { Machine, Snapshot } from '../../../src/api/generated/shapes.ts';
import { treeLines } from '../../../src/client/core/snapshot-lines.ts';
import { snapshotPicture } from '../data/snapshots.ts';
import { Icon } from '../design/icon.tsx';
import { useText, type Language } from '../text/text.ts';
import styles from './snapshots.module.css';

interface TreeProps {
  readonly machine: Machine;
  readonly snapshots: readonly Snapshot[];
  /** The uid of the chosen snapshot, or null for the present state. */
  readonly chosen: number | null;
  readonly choose: (uid: number | null) => void;
}

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
  const parts = strokes.match(/.{3}/gu) ?? [];
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

function Entry({ machine, snapshot }: { machine: Machine; snapshot: Snapshot }): ReactElement {
  const { say, language } = useText();
  const { uid, label, createdAt, memory, autoProtect, screen } = snapshot;
  const kinds = [
    whenText(createdAt, language),
    ...(memory ? [say('snapshots.memory')] : []),
    ...(autoProtect ? [say('snapshots.auto')] : []),
  ];
  return (
    <>
      <span className={styles.picture}>
        {screen ? (
          <img src={snapshotPicture(machine.id, uid)} alt="" loading="lazy" />
        ) : (
          <Icon name="snapshot" size={18} />
        )}
      </span>
      <span className={styles.words}>
        <span className={styles.label}>{label}</span>
        <span className={styles.facts}>{kinds.join(' · ')}</span>
      </span>
    </>
  );
}

/** The tree of snapshots. Each line is a button that chooses it. */
export function Tree({ machine, snapshots, chosen, choose }: TreeProps): ReactElement {
  const { say } = useText();
  return (
    <ul className={styles.tree} aria-label={say('snapshots.tree')}>
      {treeLines(snapshots).map(({ strokes, snapshot }) => {
        const uid = snapshot?.uid ?? null;
        return (
          <li key={uid ?? 'here'} className={styles.line}>
            <Strokes strokes={strokes} />
            <button
              type="button"
              className={styles.entry}
              aria-pressed={chosen === uid}
              data-here={snapshot === null}
              onClick={() => choose(uid)}
            >
              {snapshot ? (
                <Entry machine={machine} snapshot={snapshot} />
              ) : (
                <span className={styles.label}>{say('snapshots.here')}</span>
              )}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
