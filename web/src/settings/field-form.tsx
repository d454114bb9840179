import { Button, NativeSelect, NumberInput, Switch, Textarea, TextInput } from '@mantine/core';
import { useMemo, useState, type ReactElement } from 'react';
import { findGuestOs } from '../../../src/model/guest-os.ts';
import { isLive } from '../../../src/model/live-settings.ts';
import type { VmxDocument } from '../../../src/vmx/document.ts';
import { client } from '../data/client.ts';
import { Note } from '../design/note/note.tsx';
import { FieldPanel } from '../design/panel/panel.tsx';
import { useText } from '../text/text.ts';
import { groups, review, switchWords, valuesIn, type Field, type FieldName, type Group } from './draft.ts';
import { DifferenceTable } from './difference-table.tsx';
import type { PartProps } from './part.ts';
import styles from './settings.module.css';
import { undoing } from './undoing.ts';

interface InputProps {
  readonly field: Field;
  readonly value: string;
  readonly disabled: boolean;
  readonly change: (value: string) => void;
}

function Input({ field: { name, kind, choices = [] }, value, disabled, change }: InputProps): ReactElement {
  const { say } = useText();
  const common = { size: 'xs', label: say(`setting.${name}`), disabled } as const;
  const [on, off] = switchWords(name);
  switch (kind) {
    case 'switch':
      return (
        <Switch
          {...common}
          {...(name === '3d' ? { description: say('settings.3dCost') } : {})}
          checked={value === on}
          onChange={(event) => change(event.currentTarget.checked ? on : off)}
        />
      );
    case 'number':
      return (
        <NumberInput
          {...common}
          value={value}
          min={1}
          allowDecimal={false}
          onChange={(now) => change(String(now))}
        />
      );
    case 'choice':
      return (
        <NativeSelect
          {...common}
          value={value}
          data={[...choices]}
          onChange={(event) => change(event.currentTarget.value)}
        />
      );
    case 'area':
      return (
        <Textarea
          {...common}
          value={value}
          rows={3}
          maxLength={16_384}
          onChange={(event) => change(event.currentTarget.value)}
        />
      );
    default:
      return (
        <TextInput
          {...common}
          value={value}
          maxLength={256}
          {...(name === 'guest-os'
            ? { description: `${findGuestOs(value).os.name} · ${say('settings.next')}` }
            : {})}
          onChange={(event) => change(event.currentTarget.value)}
        />
      );
  }
}

/** When what is changed in a group takes effect. What differs from the rest of its group says so itself. */
function whenOf(group: Group): 'settings.now' | 'settings.next' {
  return groups[group].some(({ name }) => isLive(name)) ? 'settings.now' : 'settings.next';
}

/** The settings of a machine, as a draft that is checked while it is written, and saved as a whole. */
export function FieldForm({
  machine,
  run,
  isBusy,
  isStopped,
  document,
}: PartProps & { document: VmxDocument }): ReactElement {
  const { say } = useText();
  const saved = useMemo(() => valuesIn(document), [document]);
  const [draft, setDraft] = useState<ReadonlyMap<FieldName, string>>(new Map());
  const changes = [...draft].map(([key, value]) => ({ key, value }));
  const { differences, problems } = review(document, changes);
  const change = (name: FieldName, value: string) => {
    const next = new Map(draft);
    if (value === saved.get(name)) next.delete(name);
    else next.set(name, value);
    setDraft(next);
  };
  const hasErrors = problems.some(({ severity }) => severity === 'error');
  const save = () =>
    run('fields', async () => {
      await client.machines.set(machine.id, { settings: changes });
      const areLive = changes.every(({ key }) => isLive(key));
      return {
        said: say(areLive ? 'settings.savedNow' : 'settings.saved'),
        undo: undoing(machine.id, differences),
      };
    });
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <div className={styles.groups}>
        {(Object.keys(groups) as Group[]).map((group) => (
          <FieldPanel key={group} title={say(`settings.group.${group}`)} help={say(whenOf(group))}>
            <div className={styles.fields}>
              {groups[group].map((field) => (
                <Input
                  key={field.name}
                  field={field}
                  value={draft.get(field.name) ?? saved.get(field.name) ?? ''}
                  disabled={!isStopped && !isLive(field.name)}
                  change={(value) => change(field.name, value)}
                />
              ))}
            </div>
          </FieldPanel>
        ))}
      </div>
      {changes.length > 0 && (
        <div className={styles.bar}>
          {problems.map(({ key, message }) => (
            <Note key={key + message} kind="error">
              <p>{message}</p>
            </Note>
          ))}
          {!hasErrors && <DifferenceTable differences={differences} />}
          <div className={styles.buttons}>
            <Button size="xs" variant="default" onClick={() => setDraft(new Map())}>
              {say('settings.discard')}
            </Button>
            <Button size="xs" type="submit" disabled={isBusy || hasErrors}>
              {say('do.save')}
            </Button>
          </div>
        </div>
      )}
    </form>
  );
}
