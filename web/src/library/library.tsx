import { Button } from '@mantine/core';
import type { ReactElement } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { formatSize } from '../../../src/core/units.ts';
import { useMay } from '../data/rights.tsx';
import { useText } from '../text/text.ts';
import { EmptyLibrary } from './empty-library.tsx';
import { MachineItem } from './machine-item.tsx';
import styles from './library.module.css';
import type { View } from './view.ts';

interface LibraryProps {
  /** All machines; undefined until they are known. */
  readonly machines: readonly Machine[] | undefined;
  /** Those that the search finds, in order. */
  readonly shown: readonly Machine[];
  readonly view: View;
  readonly clear: () => void;
  readonly toolbar: ReactElement;
  readonly folders: ReactElement;
  /** The ids of those that are selected. */
  readonly selected: ReadonlySet<string>;
  readonly select: (id: string, isSelected: boolean) => void;
}

/** How many machines there are, and what those that run take. */
function Summary({ machines }: { machines: readonly Machine[] }): ReactElement {
  const { say } = useText();
  const running = machines.filter(({ state }) => state === 'running' || state === 'paused');
  const bytes = running.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  const parts = [
    say('app.count', { count: machines.length }),
    ...(running.length === 0
      ? []
      : [say('app.running', { count: running.length }), say('app.memory', { size: formatSize(bytes) })]),
  ];
  return <p className={styles.summary}>{parts.join(' · ')}</p>;
}

/** All machines, as cards or rows. */
export function Library({
  machines,
  shown,
  view,
  clear,
  toolbar,
  folders,
  selected,
  select,
}: LibraryProps): ReactElement {
  const { say } = useText();
  const may = useMay();
  if (!machines)
    return (
      <p className={styles.summary} role="status">
        {say('app.loading')}
      </p>
    );
  if (machines.length === 0)
    return may('machines.create') ? (
      <EmptyLibrary />
    ) : (
      <p className={styles.summary}>{say('empty.hidden')}</p>
    );
  return (
    <>
      <div className={styles.head}>
        <h1>{say('app.title')}</h1>
        <Summary machines={machines} />
        {toolbar}
      </div>
      {folders}
      {shown.length === 0 && (
        <div className={styles.none}>
          <p>{view.query === '' ? say('empty.folder') : say('empty.none', { query: view.query })}</p>
          {view.query !== '' && (
            <Button size="xs" variant="default" onClick={clear}>
              {say('empty.clear')}
            </Button>
          )}
        </div>
      )}
      <ul className={styles[view.layout]}>
        {shown.map((machine) => {
          const { id, path } = machine;
          return (
            <MachineItem
              key={id === '' ? path : id}
              machine={machine}
              layout={view.layout}
              isSelected={selected.has(id)}
              select={(isSelected) => select(id, isSelected)}
              dragged={selected.has(id) ? [...selected] : [id]}
            />
          );
        })}
      </ul>
    </>
  );
}
