import { Button } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import { client } from '../data/client.ts';
import { refresh } from '../data/machines.ts';
import { CommandLine } from '../design/command-line/command-line.tsx';
import { TroubleNote } from '../machine/trouble-note.tsx';
import { useText } from '../text/text.ts';
import { troubleOf, type Trouble } from '../machine/trouble.ts';
import styles from './library.module.css';

/** What a person without a machine sees: how to get the first one. */
export function EmptyLibrary(): ReactElement {
  const { say } = useText();
  const [stage, setStage] = useState<string>();
  const [trouble, setTrouble] = useState<Trouble>();
  const create = () => {
    setTrouble(undefined);
    setStage('');
    void client.machines
      .create({ name: 'demo', image: 'tiny' }, { onProgress: (report) => setStage(report.stage) })
      .then(refresh)
      .catch((error: unknown) => setTrouble(troubleOf(error)))
      .finally(() => setStage(undefined));
  };
  return (
    <section className={styles.empty}>
      <img src="/kame.svg" width={40} height={40} alt="" />
      <h1>{say('empty.title')}</h1>
      <p>{say('empty.text')}</p>
      <p>
        <Button size="sm" loading={stage !== undefined} onClick={create}>
          {say('empty.create')}
        </Button>
      </p>
      {stage !== undefined && (
        <p role="status">{[say('empty.creating'), stage].filter((part) => part !== '').join(': ')}</p>
      )}
      {trouble && <TroubleNote trouble={trouble} dismiss={() => setTrouble(undefined)} />}
      <p>{say('empty.terminal')}</p>
      <div className={styles.commands}>
        <CommandLine text="kame create web --image debian-13 --start" />
        <CommandLine text="kame create setup --iso ./installer.iso --disk 64GiB" />
      </div>
    </section>
  );
}
