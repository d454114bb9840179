import type { ReactElement } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { formatSize } from '../../../src/core/units.ts';
import { useText, type Say } from '../text/text.ts';
import styles from './machine.module.css';
import { systemName } from './system.ts';

/** What a machine is made of, in a line. */
export function hardwareOf({ arch, cpus, memoryBytes, accelerator }: Machine, say: Say): string {
  return [
    ...(cpus > 0 ? [say('fact.cpus', { count: cpus }), formatSize(memoryBytes)] : []),
    ...(arch === null ? [] : [arch]),
    ...(accelerator === 'tcg' ? [say('fact.emulated')] : []),
  ].join(' · ');
}

/** The system and the hardware of a machine, in two lines. */
export function Facts({ machine }: { machine: Machine }): ReactElement {
  const { say } = useText();
  const system = systemName(machine.guestOS);
  const hardware = hardwareOf(machine, say);
  return (
    <>
      <p className={styles.fact}>{system === '' ? say('fact.noSystem') : system}</p>
      {hardware !== '' && <p className={styles.fact}>{hardware}</p>}
    </>
  );
}

/** Where the guest can be reached. */
export function Address({ ip }: Pick<Machine, 'ip'>): ReactElement {
  const { say } = useText();
  return (
    <p className={styles.fact}>
      {ip === null ? (
        say('fact.noAddress')
      ) : (
        <span className="mono" title={say('fact.address')}>
          {ip}
        </span>
      )}
    </p>
  );
}
