import { Checkbox } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import { Link } from 'wouter';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { useActions } from '../machine/actions.ts';
import { Controls } from '../machine/controls.tsx';
import { State } from '../design/state/state.tsx';
import { Address, Facts } from '../machine/facts.tsx';
import { Busy, Outcome } from '../machine/outcome.tsx';
import { Question, type Asked } from '../machine/question.tsx';
import { Repair } from '../machine/repair.tsx';
import { Screen } from '../machine/screen.tsx';
import { machinePage } from '../machine/addresses.ts';
import { useText } from '../text/text.ts';
import styles from './card.module.css';
import { Usage } from './usage.tsx';

interface CardProps {
  readonly machine: Machine;
  readonly isSelected: boolean;
  readonly select: (isSelected: boolean) => void;
}

/** A machine with its state, its screen and what can be done with it. */
export function MachineCard({ machine, isSelected, select }: CardProps): ReactElement {
  const { say } = useText();
  const [asked, setAsked] = useState<Asked>();
  const { id, name, state, ip, reason } = machine;
  const { doing, trouble, done, act, dismiss } = useActions(machine);
  const isOn = state === 'running' || state === 'paused';
  return (
    <li className={styles.card} aria-label={name} data-selected={isSelected}>
      {id !== '' && (
        <Checkbox
          size="xs"
          className={styles.check}
          aria-label={say('select.one', { name })}
          checked={isSelected}
          onChange={(event) => select(event.currentTarget.checked)}
        />
      )}
      {state !== 'broken' && <Screen machine={machine} />}
      <div className={styles.body}>
        <div className={styles.title}>
          <h2 title={name}>
            {id === '' ? (
              name
            ) : (
              <Link href={machinePage(id)} className={styles.link}>
                {name}
              </Link>
            )}
          </h2>
          <State state={state} />
        </div>
        {state !== 'broken' && <Facts machine={machine} />}
        {isOn && <Address ip={ip} />}
        {isOn && <Usage id={id} />}
        {reason !== null && <Repair machine={machine} />}
        <Outcome trouble={trouble} done={done} dismiss={dismiss} />
        <div className={styles.foot}>
          {doing ? (
            <Busy what={say(`busy.${doing.kind}`)} name={name} progress={doing.progress} />
          ) : (
            <Controls machine={machine} act={act} ask={setAsked} />
          )}
        </div>
      </div>
      <Question asked={asked} name={name} act={act} close={() => setAsked(undefined)} />
    </li>
  );
}
