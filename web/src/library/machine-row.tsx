import type { ReactElement } from 'react';
import { State } from '../design/state/state.tsx';
import { SystemMark } from '../design/system-mark/system-mark.tsx';
import { Address, hardwareOf } from '../machine/facts.tsx';
import { systemName, systemOf } from '../machine/system.ts';
import { useText } from '../text/text.ts';
import type { ItemParts } from './machine-item.tsx';
import styles from './row.module.css';
import { Usage } from './usage.tsx';

/** A machine in one line. */
export function MachineRow({
  machine,
  isOn,
  isSelected,
  check,
  title,
  controls,
  messages,
}: ItemParts & { isSelected: boolean }): ReactElement {
  const { say } = useText();
  const { id, name, state, guestOS, ip, folder } = machine;
  const hardware = hardwareOf(machine, say);
  return (
    <div className={styles.row} data-selected={isSelected}>
      <div className={styles.check}>{check}</div>
      <SystemMark system={systemOf(guestOS)} size={22} />
      <div className={styles.name}>
        <h2 title={name}>{title}</h2>
        <p className="help">{[systemName(guestOS), folder].filter((part) => part !== '').join(' · ')}</p>
      </div>
      <State state={state} />
      <p className={styles.hardware} title={hardware}>
        {hardware}
      </p>
      <div className={styles.now}>
        {isOn && <Address ip={ip} />}
        {isOn && <Usage id={id} />}
      </div>
      <div className={styles.controls}>{controls}</div>
      <div className={styles.messages}>{messages}</div>
    </div>
  );
}
