import type { ReactElement } from 'react';
import type { MachineState } from '../../../../src/api/generated/shapes.ts';
import { useText } from '../../text/text.ts';
import styles from './state.module.css';

/** The state of a machine: a mark and a word. */
export function State({ state }: { state: MachineState }): ReactElement {
  const { say } = useText();
  return (
    <span className={styles.state}>
      <span className={styles.dot} data-state={state} />
      {say(`state.${state}`)}
    </span>
  );
}
