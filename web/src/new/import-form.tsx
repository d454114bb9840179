import { Button, Checkbox, NativeSelect, TextInput } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import type { ImportReport } from '../../../src/api/generated/shapes.ts';
import { formatSize } from '../../../src/core/units.ts';
import { useNetworkNames } from '../data/settings.ts';
import { FieldPanel, FormPanel } from '../design/panel/panel.tsx';
import { useText } from '../text/text.ts';
import styles from './new.module.css';
import type { Import } from './use-import.ts';

interface FormProps {
  readonly incoming: Import;
  readonly report: ImportReport;
}

type Values = Readonly<Record<string, string>>;

/** What an import would do, and what a person decides before it does. */
export function ImportForm({ incoming, report }: FormProps): ReactElement {
  const { say } = useText();
  const [name, setName] = useState(report.name);
  const [networks, setNetworks] = useState<Values>({});
  const [properties, setProperties] = useState<Values>({});
  const [isAccepted, setAccepted] = useState(false);
  const [isStarted, setStarted] = useState(true);
  const { eulas, notes, disks } = report;
  const isReady = name.trim() !== '' && (eulas.length === 0 || isAccepted) && !incoming.doing;
  const choices = { name: name.trim(), networks, properties, acceptEula: isAccepted };
  return (
    <FormPanel
      title={say('import.title', { name: incoming.name ?? '' })}
      submit={() => {
        if (isReady) incoming.make(choices, isStarted);
      }}
    >
      <TextInput
        size="xs"
        label={say('new.name')}
        value={name}
        maxLength={80}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Networks names={report.networks} set={(change) => setNetworks({ ...networks, ...change })} />
      {report.properties.length > 0 && (
        <Properties
          properties={report.properties}
          values={properties}
          set={(change) => setProperties({ ...properties, ...change })}
        />
      )}
      <Facts disks={disks} notes={notes} />
      {eulas.map((eula, index) => (
        <section key={index} className={styles.eula} tabIndex={0} aria-label={say('import.eula')}>
          {eula}
        </section>
      ))}
      {eulas.length > 0 && (
        <Checkbox
          size="xs"
          label={say('import.accept')}
          checked={isAccepted}
          onChange={(event) => setAccepted(event.currentTarget.checked)}
        />
      )}
      <Checkbox
        size="xs"
        label={say('new.start')}
        checked={isStarted}
        onChange={(event) => setStarted(event.currentTarget.checked)}
      />
      <Button type="submit" disabled={!isReady}>
        {say('import.import')}
      </Button>
    </FormPanel>
  );
}

/** The disks of the new machine, and what else is different. */
function Facts({ disks, notes }: Pick<ImportReport, 'disks' | 'notes'>): ReactElement {
  const { say } = useText();
  return (
    <>
      <section aria-label={say('import.disks')}>
        <p className={styles.title}>{say('import.disks')}</p>
        <ul className={styles.facts}>
          {disks.map(({ slot, path, sizeBytes }) => (
            <li key={slot}>
              <span className="mono">{slot}</span> {formatSize(sizeBytes)} · {path ?? say('import.empty')}
            </li>
          ))}
        </ul>
      </section>
      {notes.length > 0 && (
        <section aria-label={say('import.notes')}>
          <p className={styles.title}>{say('import.notes')}</p>
          <ul className={styles.facts}>
            {notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

interface NetworksProps {
  readonly names: readonly string[];
  readonly set: (change: Values) => void;
}

/** Networks of the appliance, each to be one of this computer. */
function Networks({ names, set }: NetworksProps): ReactElement {
  const { say } = useText();
  const known = useNetworkNames();
  return (
    <>
      {names.map((name) => (
        <NativeSelect
          key={name}
          size="xs"
          label={say('import.network', { name })}
          data={[...known]}
          onChange={(event) => set({ [name]: event.currentTarget.value })}
        />
      ))}
    </>
  );
}

interface PropertiesProps {
  readonly properties: ImportReport['properties'];
  readonly values: Values;
  readonly set: (change: Values) => void;
}

/** What the appliance asks for. */
function Properties({ properties, values, set }: PropertiesProps): ReactElement {
  const { say } = useText();
  return (
    <FieldPanel title={say('import.properties')}>
      {properties.map(({ key, label, description, value, password }) => (
        <TextInput
          key={key}
          size="xs"
          type={password ? 'password' : 'text'}
          autoComplete={password ? 'new-password' : 'off'}
          label={label === '' ? key : label}
          {...(description === '' ? {} : { description })}
          value={values[key] ?? value}
          maxLength={65_536}
          onChange={(event) => set({ [key]: event.currentTarget.value })}
        />
      ))}
    </FieldPanel>
  );
}
