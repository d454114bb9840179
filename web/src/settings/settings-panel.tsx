import { useState, type ReactElement } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import type { VmxDocument } from '../../../src/vmx/document.ts';
import { useVmx } from '../data/settings.ts';
import { Failure } from '../machine/failure.tsx';
import { Busy, Outcome } from '../machine/outcome.tsx';
import { useTask } from '../machine/task.ts';
import { Column, Columns } from '../design/columns/columns.tsx';
import { Panel } from '../design/panel/panel.tsx';
import { useText } from '../text/text.ts';
import { Adapters } from './adapters.tsx';
import { Disks } from './disks.tsx';
import { FieldForm } from './field-form.tsx';
import { RenameForm } from './rename-form.tsx';
import styles from './settings.module.css';
import { Shares } from './shares.tsx';
import type { Part, PartProps } from './part.ts';
import { VmxEditor } from './vmx-editor.tsx';

/** All settings of a machine. What can be changed while it runs is below what cannot. */
export function SettingsPanel({ machine }: { machine: Machine }): ReactElement {
  const { say } = useText();
  const { document, error } = useVmx(machine.id);
  if (error) return <Failure error={error} />;
  if (!document) return <p role="status">{say('app.loading')}</p>;
  return <Parts machine={machine} document={document} />;
}

function Parts({ machine, document }: { machine: Machine; document: VmxDocument }): ReactElement {
  const { say } = useText();
  const task = useTask<Part>();
  const [isRaw, setRaw] = useState(false);
  const { doing } = task;
  const props: PartProps = {
    machine,
    run: task.run,
    isBusy: doing !== undefined,
    isStopped: machine.state === 'stopped',
  };
  return (
    <div className={styles.panel}>
      {doing && <Busy what={say('settings.saving')} name={machine.name} progress={doing.progress} />}
      <Outcome {...task} />
      {!props.isStopped && (
        <p className={styles.hint} role="note">
          {say('settings.stopFirst')}
        </p>
      )}
      <Columns kind="wide">
        <Column>
          <RenameForm key={machine.name} {...props} />
          {/* A draft that was begun on another file is of no use. */}
          <FieldForm key={JSON.stringify([...document.lines])} {...props} document={document} />
        </Column>
        <Column>
          <Disks {...props} />
          <Adapters {...props} />
          <Shares {...props} />
          <Panel title={say('settings.vmx')} help={say('settings.vmxHelp')}>
            {isRaw ? (
              <VmxEditor {...props} document={document} close={() => setRaw(false)} />
            ) : (
              <button type="button" className={styles.more} onClick={() => setRaw(true)}>
                {say('settings.vmxOpen')}
              </button>
            )}
          </Panel>
        </Column>
      </Columns>
    </div>
  );
}
