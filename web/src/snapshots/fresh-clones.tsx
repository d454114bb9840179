import type { ReactElement } from 'react';
import { Link } from 'wouter';
import { useMachines } from '../data/machines.ts';
import { machinePage } from '../machine/addresses.ts';
import { Screen } from '../machine/screen.tsx';
import { useText } from '../text/text.ts';
import styles from './snapshots.module.css';

/** The names that clones get. */
export function cloneNames(name: string, count: number): readonly string[] {
  return count === 1 ? [name] : Array.from({ length: count }, (_, at) => `${name}-${at + 1}`);
}

/** The clones that were just asked for, each with its screen as soon as it runs. */
export function FreshClones({ names }: { names: readonly string[] }): ReactElement | null {
  const { say } = useText();
  const { machines = [] } = useMachines();
  const there = machines.filter(({ name, id }) => id !== '' && names.includes(name));
  if (there.length === 0) return null;
  return (
    <ul className={styles.clones} aria-label={say('snapshots.clones')}>
      {there.map((machine) => (
        <li key={machine.id}>
          <Link href={machinePage(machine.id)} title={machine.name}>
            <Screen machine={machine} />
            <span>{machine.name}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
