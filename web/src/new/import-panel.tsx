import { Button } from '@mantine/core';
import type { ReactElement } from 'react';
import { Busy } from '../machine/outcome.tsx';
import { TroubleNote } from '../machine/trouble-note.tsx';
import { Row } from '../design/row/row.tsx';
import { useText } from '../text/text.ts';
import { ImportForm } from './import-form.tsx';
import styles from './new.module.css';
import type { Import } from './use-import.ts';

/** Where there is only one column, it is below what a person has dropped something on. */
function show(node: HTMLElement | null): void {
  node?.scrollIntoView({ block: 'nearest' });
}

/** The import of what was dropped: how far it is, what went wrong, and what a person must decide. */
export function ImportPanel({ incoming }: { incoming: Import }): ReactElement {
  const { say } = useText();
  const { name = '', report, doing, trouble } = incoming;
  const title = say('import.title', { name });
  return (
    <section ref={show} className={styles.import} aria-label={title}>
      {report && <ImportForm key={name} incoming={incoming} report={report} />}
      {doing && (
        <div className={styles.sending}>
          <Busy
            what={title}
            name={title}
            progress={doing.progress}
            rate={doing.rate}
            cancel={incoming.cancel}
          />
        </div>
      )}
      {trouble && <TroubleNote trouble={trouble} />}
      {!doing && (
        <Row>
          {trouble && !report && incoming.name !== undefined && (
            <Button size="xs" variant="default" onClick={incoming.again}>
              {say('import.again')}
            </Button>
          )}
          <Button size="xs" variant="subtle" color="gray" onClick={incoming.close}>
            {say('do.cancel')}
          </Button>
        </Row>
      )}
    </section>
  );
}
