import { useState, type ReactElement } from 'react';
import { Link } from 'wouter';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { NotFound } from '../design/not-found/not-found.tsx';
import { PageHead } from '../design/page-head/page-head.tsx';
import { useMachines } from '../data/machines.ts';
import { OfMachine, useMay } from '../data/rights.tsx';
import { useText } from '../text/text.ts';
import { useActions } from '../machine/actions.ts';
import { Controls } from '../machine/controls.tsx';
import { State } from '../design/state/state.tsx';
import { Busy, Outcome } from '../machine/outcome.tsx';
import styles from './page.module.css';
import { machinePage, tabsFor, type Tab } from '../machine/addresses.ts';
import type { Asked } from '../machine/action.ts';
import { Question } from '../machine/question.tsx';
import { Repair } from '../machine/repair.tsx';
import { panels } from './panels.ts';

interface PageProps {
  readonly id: string;
  readonly tab: string;
}

function Tabs({ id, tab }: { id: string; tab: Tab }): ReactElement {
  const { say } = useText();
  const may = useMay();
  return (
    <nav className={styles.tabs} aria-label={say('page.tabs')}>
      {tabsFor(may, id).map((each) => (
        <Link key={each} href={machinePage(id, each)} {...(each === tab ? { 'aria-current': 'page' } : {})}>
          {say(`page.${each}`)}
        </Link>
      ))}
    </nav>
  );
}

/** The head of the page: which machine it is, its state, and what can be done with it. */
function Head({ machine, tab }: { machine: Machine; tab: Tab }): ReactElement {
  const { say } = useText();
  const [asked, setAsked] = useState<Asked>();
  const { id, name, state, reason } = machine;
  const { doing, trouble, done, act, dismiss } = useActions(machine);
  return (
    <header className={styles.head}>
      <PageHead title={name}>
        <State state={state} />
        <div className={styles.controls}>
          {doing ? (
            <Busy what={say(`busy.${doing.kind}`)} name={name} progress={doing.progress} />
          ) : (
            <Controls machine={machine} act={act} ask={setAsked} />
          )}
        </div>
      </PageHead>
      {reason !== null && <Repair machine={machine} />}
      <Outcome trouble={trouble} done={done} dismiss={dismiss} />
      <Tabs id={id} tab={tab} />
      <Question asked={asked} machine={machine} act={act} close={() => setAsked(undefined)} />
    </header>
  );
}

/** All about one machine. */
export function MachinePage({ id, tab }: PageProps): ReactElement {
  const { say } = useText();
  const { machines } = useMachines();
  const may = useMay();
  const shown = tabsFor(may, id).find((each) => each === tab);
  if (!machines) return <p role="status">{say('app.loading')}</p>;
  const machine = machines.find((each) => each.id === id);
  if (!machine) return <NotFound what="machine" />;
  if (!shown) return <NotFound />;
  const Panel = panels[shown];
  return (
    <OfMachine value={id}>
      <Head machine={machine} tab={shown} />
      <Panel machine={machine} />
    </OfMachine>
  );
}
