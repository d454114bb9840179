import { Button } from '@mantine/core';
import type { Terminal } from '@xterm/xterm';
import { useCallback, useRef, useState, type ReactElement, type ReactNode } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { troubleOf, type Trouble } from '../machine/trouble.ts';
import { TroubleNote } from '../machine/trouble-note.tsx';
import { useText } from '../text/text.ts';
import styles from './console.module.css';
import { attachSerial } from './serial.ts';
import { runShell } from './shell.ts';
import { TerminalView } from './terminal-view.tsx';

interface GuestTerminalProps {
  readonly machine: Machine;
  readonly kind: 'serial' | 'shell';
  readonly switcher: ReactNode;
}

type State = 'connecting' | 'live' | 'lost' | 'ended';

/** The serial console of a machine, or a shell in its guest. */
export function GuestTerminal({ machine, kind, switcher }: GuestTerminalProps): ReactElement {
  const { say } = useText();
  const { id, name } = machine;
  const [state, setState] = useState<State>('connecting');
  const [trouble, setTrouble] = useState<Trouble>();
  const [run, setRun] = useState(0);
  const bar = useRef<HTMLDivElement>(null);
  const connect = useCallback(
    (terminal: Terminal, signal: AbortSignal) => {
      const tell = (now: State) => {
        if (!signal.aborted) setState(now);
      };
      setState('connecting');
      setTrouble(undefined);
      if (kind === 'serial') {
        void attachSerial(id, terminal, (isLive) => tell(isLive ? 'live' : 'lost'), signal);
        return;
      }
      void runShell(id, terminal, () => tell('live'), signal)
        .catch((error: unknown) => {
          if (!signal.aborted) setTrouble(troubleOf(error));
        })
        .then(() => tell('ended'));
    },
    [id, kind],
  );
  return (
    <>
      <div ref={bar} className={styles.bar}>
        {switcher}
        {state === 'ended' && (
          <Button size="compact-sm" variant="filled" onClick={() => setRun(run + 1)}>
            {say('shell.again')}
          </Button>
        )}
      </div>
      <div className={styles.stage}>
        <div className={styles.screen}>
          <TerminalView
            key={run}
            connect={connect}
            label={say(`console.${kind}.of`, { name })}
            leave={() => bar.current?.querySelector<HTMLElement>('input:checked, button')?.focus()}
          />
          {(state === 'connecting' || state === 'lost') && (
            <p className={styles.calm} role="status">
              {say(state === 'lost' ? 'console.again' : 'console.connecting')}
            </p>
          )}
        </div>
      </div>
      <p className={styles.line}>
        <span>{say('console.leave')}</span>
        {state === 'ended' && !trouble && <span role="status">{say('shell.ended')}</span>}
      </p>
      {trouble && <TroubleNote trouble={trouble} />}
    </>
  );
}
