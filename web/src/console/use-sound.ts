import { useCallback, useEffect, useState } from 'react';
import { troubleOf, type Trouble } from '../machine/trouble.ts';

export interface Sound {
  readonly state: 'off' | 'starting' | 'on';
  readonly trouble: Trouble | undefined;
  readonly toggle: () => void;
  readonly dismiss: () => void;
}

/** The sound of a guest, which is off until somebody clicks: browsers play nothing before that. */
export function useSound(machine: string): Sound {
  const [state, setState] = useState<Sound['state']>('off');
  const [trouble, setTrouble] = useState<Trouble>();
  const [running, setRunning] = useState<AbortController>();
  const toggle = useCallback(() => {
    if (running) {
      running.abort();
      return;
    }
    const over = new AbortController();
    setRunning(over);
    setTrouble(undefined);
    setState('starting');
    void import('./sound.ts')
      .then(async ({ playSound }) => await playSound(machine, () => setState('on'), over.signal))
      .catch((error: unknown) => {
        if (!over.signal.aborted) setTrouble(troubleOf(error));
      })
      .finally(() => {
        setState('off');
        setRunning(undefined);
      });
  }, [machine, running]);
  useEffect(() => () => running?.abort(), [running]);
  return { state, trouble, toggle, dismiss: () => setTrouble(undefined) };
}
