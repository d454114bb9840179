import { useState, type ReactElement } from 'react';
import { Link } from 'wouter';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { useActions } from '../machine/actions.ts';
import { Controls } from '../machine/controls.tsx';
import { Address, Facts, State } from '../machine/facts.tsx';
import { Busy, Outcome } from '../machine/outcome.tsx';
import { Question, type Asked } from '../machine/question.tsx';
import { Repair } from '../machine/repair.tsx';
import { Screen } from '../machine/screen.tsx';
import { machinePage } from '../machine/addresses.ts';
import { useText } from '../text/text.ts';
import styles from './card.module.css';

/** A machine with its state, its screen and what can be done with it. */
export function MachineCard({ machine }: { machine: Machine }): ReactElement {
  const { say } = useText();
  const [asked, setAsked] = useState<Asked>();
  const { id, name, state, ip, reason } = machine;
  const { doing, trouble, done, act, dismiss } = useActions(machine);
  const isOn = state === 'running' || state === 'paused';
  return (
    <li className={styles.card} aria-label={name}>
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
