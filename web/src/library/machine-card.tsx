import type { ReactElement } from 'react';
import { State } from '../design/state/state.tsx';
import { Address, Facts } from '../machine/facts.tsx';
import { Screen } from '../machine/screen.tsx';
import styles from './card.module.css';
import type { ItemParts } from './machine-item.tsx';
import { Usage } from './usage.tsx';

/** A machine with its screen. */
export function MachineCard({
  machine,
  isOn,
  isSelected,
  check,
  title,
  controls,
  messages,
}: ItemParts & { isSelected: boolean }): ReactElement {
  const { id, name, state, ip } = machine;
  return (
    <div className={styles.card} data-selected={isSelected}>
      <div className={styles.check}>{check}</div>
      {state !== 'broken' && <Screen machine={machine} />}
      <div className={styles.body}>
        <div className={styles.title}>
          <h2 title={name}>{title}</h2>
          <State state={state} />
        </div>
        {state !== 'broken' && <Facts machine={machine} />}
        {isOn && <Address ip={ip} />}
        {isOn && <Usage id={id} />}
        {messages}
        <div className={styles.foot}>{controls}</div>
      </div>
    </div>
  );
}
