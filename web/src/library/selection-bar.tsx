import { Button } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import type { May } from '../data/may.ts';
import { useMachines } from '../data/machines.ts';
import { useMay } from '../data/rights.tsx';
import { operationOf, type Action } from '../machine/action.ts';
import { perform } from '../machine/actions.ts';
import { AskDialog } from '../machine/ask-dialog.tsx';
import { cloneKinds } from '../machine/clone-fields.tsx';
import { FolderForm } from '../machine/folder-form.tsx';
import { freeName } from '../machine/free-name.ts';
import { Busy, Outcome } from '../machine/outcome.tsx';
import { useTask } from '../machine/task.ts';
import { useText } from '../text/text.ts';
import { bulkKinds, fitting, forEach, type BulkKind } from './bulk.ts';
import styles from './library.module.css';

/**
 * What is done to one of several machines. The daemon chooses the label of a snapshot that has none; a clone is of the first kind that
 * there is in the state of the machine.
 * @param taken the names of all machines
 */
function actionOf(kind: BulkKind, { name, state }: Machine, taken: readonly string[]): Action {
  if (kind === 'snapshot') return { kind, label: '' };
  if (kind !== 'clone') return { kind };
  return { kind, name: freeName(`${name}-clone`, taken), as: cloneKinds(state)[0] ?? 'full' };
}

/** What can be done to the machines that are selected. */
export function SelectionBar({
  selected,
  clear,
  move,
}: {
  selected: readonly Machine[];
  clear: () => void;
  move: (machines: readonly Machine[], folder: string) => void;
}): ReactElement | null {
  const { say } = useText();
  const may = useMay();
  const taken = (useMachines().machines ?? []).map(({ name }) => name);
  const task = useTask<BulkKind>();
  const { doing } = task;
  const [isMoving, setMoving] = useState(false);
  if (selected.length === 0 && !doing && !task.trouble) return null;
  const mayAll = (operation: Parameters<May>[0]) => selected.every(({ id }) => may(operation, id));
  const begin = (kind: BulkKind) =>
    task.run(kind, async (options) => {
      await forEach(
        fitting(selected, kind),
        async (machine, each) => await perform(machine, actionOf(kind, machine, taken), each),
        options,
      );
      return undefined;
    });
  return (
    <div className={styles.selection} role="toolbar" aria-label={say('select.title')}>
      <Outcome {...task} />
      {doing ? (
        <Busy
          what={say(`busy.${doing.kind}`)}
          name={say('select.title')}
          progress={doing.progress}
          cancel={task.cancel}
        />
      ) : (
        <>
          <span>{say('select.count', { count: selected.length })}</span>
          {bulkKinds
            .filter((kind) => mayAll(operationOf(kind)))
            .map((kind) => (
              <Button
                key={kind}
                size="compact-sm"
                variant="default"
                disabled={fitting(selected, kind).length === 0}
                onClick={() => begin(kind)}
              >
                {say(`do.${kind}`)}
              </Button>
            ))}
          {mayAll('machines.set') && (
            <Button size="compact-sm" variant="default" onClick={() => setMoving(true)}>
              {say('do.folder')}
            </Button>
          )}
          <Button size="compact-sm" variant="subtle" color="gray" onClick={clear}>
            {say('select.clear')}
          </Button>
        </>
      )}
      <AskDialog title={isMoving ? say('do.folder') : undefined} close={() => setMoving(false)}>
        <FolderForm first="" close={() => setMoving(false)} move={(folder) => move(selected, folder)} />
      </AskDialog>
    </div>
  );
}
