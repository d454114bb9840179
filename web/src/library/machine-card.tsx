import { Progress } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { formatSize } from '../../../src/core/units.ts';
import { CommandLine } from '../design/command-line.tsx';
import { useText } from '../text/text.ts';
import { useActions, type Actions } from './actions.ts';
import styles from './card.module.css';
import { Controls } from './controls.tsx';
import { Note } from './note.tsx';
import { Question, type Asked } from './question.tsx';
import { Screen } from './screen.tsx';
import { systemName } from './system.ts';

/** What a machine is made of, in one line. */
function Facts({ machine }: { machine: Machine }): ReactElement {
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
function Address({ ip }: Pick<Machine, 'ip'>): ReactElement {
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

/** How far an action is. */
function Busy({ doing, name }: { doing: NonNullable<Actions['doing']>; name: string }): ReactElement {
  const { say } = useText();
  const { kind, progress } = doing;
  const { done, total } = progress ?? {};
  const isKnown = done !== undefined && total !== undefined && total > 0;
  const what = say(`busy.${kind}`);
  return (
    <div className={styles.busy} role="status">
      <p>{progress ? `${what}: ${progress.stage}` : what}</p>
      <Progress
        size="xs"
        aria-label={`${name}: ${what}`}
        value={isKnown ? (100 * done) / total : 100}
        animated={!isKnown}
      />
    </div>
  );
}

/** What is wrong with a machine, and its repair. */
function Repair({ machine: { name, path, reason } }: { machine: Machine }): ReactElement {
  const { say } = useText();
  const isListed = name !== path;
  return (
    <Note kind="error">
      <p>{reason}</p>
      {isListed && (
        <>
          <p>{say('repair.text')}</p>
          <CommandLine text={`kame show ${quoted(name)}`} />
        </>
      )}
    </Note>
  );
}

/** A word for a shell. */
function quoted(word: string): string {
  return /^[\w.-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** A machine with its state, its screen and what can be done with it. */
export function MachineCard({ machine }: { machine: Machine }): ReactElement {
  const { say } = useText();
  const actions = useActions(machine);
  const [asked, setAsked] = useState<Asked>();
  const { name, state, ip, reason } = machine;
  const { doing, trouble, taken, act, dismiss } = actions;
  const isOn = state === 'running' || state === 'paused';
  return (
    <li className={styles.card} aria-label={name}>
      {state !== 'broken' && <Screen machine={machine} />}
      <div className={styles.body}>
        <div className={styles.title}>
          <h2 title={name}>{name}</h2>
          <span className={styles.state}>
            <span className={styles.dot} data-state={state} />
            {say(`state.${state}`)}
          </span>
        </div>
        {state !== 'broken' && <Facts machine={machine} />}
        {isOn && <Address ip={ip} />}
        {reason !== null && <Repair machine={machine} />}
        {trouble && (
          <Note kind="error" dismiss={dismiss}>
            <p>{trouble.message}</p>
            {trouble.next !== '' && <p>{trouble.next}</p>}
          </Note>
        )}
        {taken !== undefined && (
          <Note kind="done" dismiss={dismiss}>
            <p>{say('done.snapshot', { label: taken })}</p>
          </Note>
        )}
        <div className={styles.foot}>
          {doing ? (
            <Busy doing={doing} name={name} />
          ) : (
            <Controls machine={machine} act={act} ask={setAsked} />
          )}
        </div>
      </div>
      <Question asked={asked} name={name} act={act} close={() => setAsked(undefined)} />
    </li>
  );
}
