import '@mantine/core/styles/FloatingIndicator.css';
import '@mantine/core/styles/SegmentedControl.css';
import { SegmentedControl } from '@mantine/core';
import { lazy, Suspense, useState, type ReactElement } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { useMay } from '../data/rights.tsx';
import { useText } from '../text/text.ts';
import styles from './console.module.css';
import { NoConsole } from './no-console.tsx';

const GuestScreen = lazy(async () => ({ default: (await import('./guest-screen.tsx')).GuestScreen }));
const GuestTerminal = lazy(async () => ({ default: (await import('./guest-terminal.tsx')).GuestTerminal }));

const kinds = ['screen', 'serial', 'shell'] as const;
type Kind = (typeof kinds)[number];
const needed = { screen: 'machines.screen', serial: 'machines.console', shell: 'machines.exec' } as const;

/** The console of a machine: its screen, its serial console and a shell in it, one at a time. */
export function ConsolePanel({ machine }: { machine: Machine }): ReactElement {
  const { say } = useText();
  const may = useMay();
  const [kind, setKind] = useState<Kind>('screen');
  const { state } = machine;
  if (state !== 'running' && state !== 'paused') return <NoConsole machine={machine} state={state} />;
  const switcher = (
    <SegmentedControl
      size="xs"
      classNames={{ root: styles.kinds }}
      aria-label={say('console.kinds')}
      value={kind}
      data={kinds
        .filter((each) => may(needed[each]))
        .map((value) => ({ value, label: say(`console.${value}`) }))}
      onChange={setKind}
    />
  );
  const part = { machine, switcher };
  return (
    <section className={styles.console} aria-label={say('page.console')}>
      <Suspense fallback={<p role="status">{say('console.connecting')}</p>}>
        {kind === 'screen' ? <GuestScreen {...part} /> : <GuestTerminal key={kind} kind={kind} {...part} />}
      </Suspense>
    </section>
  );
}
