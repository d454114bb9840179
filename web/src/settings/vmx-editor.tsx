import { Button, Textarea } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import { messageOf } from '../../../src/core/errors.ts';
import { parseVmx, printVmx, vmxLimits, type VmxDocument } from '../../../src/vmx/document.ts';
import { bytesToBinary } from '../../../src/vmx/encoding.ts';
import { client } from '../data/client.ts';
import { Note } from '../design/note/note.tsx';
import { useText } from '../text/text.ts';
import { changesBetween, review } from './draft.ts';
import { undoing } from './undoing.ts';
import { DifferenceTable } from './difference-table.tsx';
import type { PartProps } from './part.ts';
import styles from './settings.module.css';

interface EditorProps extends PartProps {
  readonly document: VmxDocument;
  readonly close: () => void;
}

/** A text as a file in UTF-8, whatever encoding the machine's own file has. @throws KameError INVALID_VALUE */
function parsed(text: string): VmxDocument {
  return parseVmx(new TextEncoder().encode(text.replace(/^\s*\.encoding\s*=.*$/im, '.encoding = "UTF-8"')));
}

/** A file as a text to edit. */
function textOf(document: VmxDocument): string {
  return document.codec.decode(bytesToBinary(printVmx(document))).text;
}

function reviewText(document: VmxDocument, original: string, text: string) {
  try {
    const changes = changesBetween(parsed(original), parsed(text));
    return { changes, ...review(document, changes) };
  } catch (error) {
    return {
      changes: [],
      differences: [],
      problems: [{ severity: 'error' as const, key: '', message: messageOf(error) }],
    };
  }
}

/** The `.vmx` as a text. What is saved are the keys that were changed; the rest of the file stays as it is. */
export function VmxEditor({ machine, document, run, isBusy, isStopped, close }: EditorProps): ReactElement {
  const { say } = useText();
  // The file may be changed by others meanwhile: what this person changed is what differs from what they saw.
  const [original] = useState(() => textOf(document));
  const [text, setText] = useState(original);
  const { changes, differences, problems } = reviewText(document, original, text);
  const hasErrors = problems.some(({ severity }) => severity === 'error');
  const save = () =>
    run('vmx', async () => {
      await client.machines.set(machine.id, { settings: changes });
      close();
      return { said: say('settings.saved'), undo: undoing(machine.id, differences) };
    });
  return (
    <>
      <Textarea
        size="xs"
        aria-label={say('settings.vmx')}
        classNames={{ input: styles.code ?? '' }}
        value={text}
        rows={18}
        spellCheck={false}
        maxLength={vmxLimits.bytes}
        readOnly={!isStopped}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      {problems.map(({ key, message }) => (
        <Note key={key + message} kind="error">
          <p>{message}</p>
        </Note>
      ))}
      {differences.length > 0 && <DifferenceTable differences={differences} />}
      <div className={styles.buttons}>
        <Button size="xs" variant="default" onClick={close}>
          {say('do.cancel')}
        </Button>
        <Button size="xs" disabled={!isStopped || isBusy || hasErrors || changes.length === 0} onClick={save}>
          {say('do.save')}
        </Button>
      </div>
    </>
  );
}
