import type { ReactElement } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { formatSize } from '../../../src/core/units.ts';
import { useText } from '../text/text.ts';
import styles from './machine.module.css';
import { systemName } from './system.ts';

/** What a machine is made of, in two lines. */
export function Facts({ machine }: { machine: Machine }): ReactElement {
  const { say } = useText();
  const { guestOS, arch, cpus, memoryBytes, accelerator } = machine;
  const system = systemName(guestOS);
  const hardware = [
    ...(cpus > 0 ? [say('fact.cpus', { count: cpus }), formatSize(memoryBytes)] : []),
    ...(arch === null ? [] : [arch]),
    ...(accelerator === 'tcg' ? [say('fact.emulated')] : []),
  ].join(' · ');
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
