import type { ReactElement } from 'react';
import { useText } from '../text/text.ts';
import styles from './activity.module.css';
import type { Series } from './series.ts';
import { momentsOf } from './table.ts';

/** As many rows as one can hear without losing the thread. */
const maxRows = 12;

interface MomentsTableProps {
  readonly title: string;
  readonly lines: readonly string[];
  readonly series: Series;
  readonly format: (value: number) => string;
}

/** A graph in numbers, for whoever cannot see it or wants to know exactly. */
export function MomentsTable({ title, lines, series, format }: MomentsTableProps): ReactElement {
  const { say, language } = useText();
  return (
    <table className={styles.table} aria-label={title}>
      <thead>
        <tr>
          <th scope="col">{say('activity.time')}</th>
          {lines.map((line) => (
            <th key={line} scope="col">
              {line}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {momentsOf(series, maxRows).map(({ at, values }) => (
          <tr key={at}>
            <th scope="row">{new Date(at * 1000).toLocaleTimeString(language)}</th>
            {lines.map((line, index) => {
              const value = values[index];
              return <td key={line}>{value === null || value === undefined ? '–' : format(value)}</td>;
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
