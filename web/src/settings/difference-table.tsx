import type { ReactElement } from 'react';
import { useText } from '../text/text.ts';
import type { Difference } from './draft.ts';
import styles from './settings.module.css';

/** What a change does to the `.vmx`: each key with its value before and after. */
export function DifferenceTable({ differences }: { differences: readonly Difference[] }): ReactElement {
  const { say } = useText();
  return (
    <table className={styles.table}>
      <thead>
        <tr>
          <th scope="col">{say('settings.key')}</th>
          <th scope="col">{say('settings.before')}</th>
          <th scope="col">{say('settings.after')}</th>
        </tr>
      </thead>
      <tbody>
        {differences.map(({ key, before, after }) => (
          <tr key={key}>
            <th scope="row" className="mono">
              {key}
            </th>
            <td className="mono">{before === null ? '–' : <del>{before}</del>}</td>
            <td className="mono">{after === null ? '–' : <ins>{after}</ins>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
