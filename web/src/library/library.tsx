import { Button } from '@mantine/core';
import type { ReactElement } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { formatSize } from '../../../src/core/units.ts';
import { useMay } from '../data/rights.tsx';
import { useText } from '../text/text.ts';
import { EmptyLibrary } from './empty-library.tsx';
import { MachineCard } from './machine-card.tsx';
import styles from './library.module.css';

interface LibraryProps {
  /** All machines; undefined until they are known. */
  readonly machines: readonly Machine[] | undefined;
  /** Those that the search finds, in order. */
  readonly shown: readonly Machine[];
  readonly query: string;
  readonly clear: () => void;
  readonly toolbar: ReactElement;
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

/** All machines as cards. */
export function Library({
  machines,
  shown,
  query,
  clear,
  toolbar,
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
      {shown.length === 0 && (
        <div className={styles.none}>
          <p>{say('empty.none', { query })}</p>
          <Button size="xs" variant="default" onClick={clear}>
            {say('empty.clear')}
          </Button>
        </div>
      )}
      <ul className={styles.grid}>
        {shown.map((machine) => (
          <MachineCard
            key={machine.id === '' ? machine.path : machine.id}
            machine={machine}
            isSelected={selected.has(machine.id)}
            select={(isSelected) => select(machine.id, isSelected)}
          />
        ))}
      </ul>
    </>
  );
}
