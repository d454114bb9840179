import { Button, Checkbox, NumberInput, Textarea, TextInput } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import type { CreateMachine } from '../../../src/api/generated/shapes.ts';
import { formatSize } from '../../../src/core/units.ts';
import { findGuestOs } from '../../../src/model/guest-os.ts';
import { FormPanel } from '../design/panel/panel.tsx';
import { useText, type Say } from '../text/text.ts';
import styles from './new.module.css';
import { freeName } from '../machine/free-name.ts';
import { defaultsOf, emptyForm, planOf, stemOf, type Form, type Source } from './plan.ts';

interface FormProps {
  readonly source: Source;
  /** The names that other machines have. */
  readonly taken: readonly string[];
  readonly isBusy: boolean;
  readonly create: (request: CreateMachine, isStarted: boolean) => void;
}

const mebi = 1024 * 1024;
const gibi = 1024 * mebi;

/** What is made, in a line: also what nobody has written, because it is the default. */
function summaryOf(source: Source, request: CreateMachine, say: Say): string {
  const { cpus, memoryMiB, diskGiB } = defaultsOf(source);
  const { name, arch, cpus: count = cpus, memoryBytes = memoryMiB * mebi } = request;
  const diskBytes = request.diskBytes ?? (diskGiB === undefined ? undefined : diskGiB * gibi);
  const parts = [
    source.kind === 'iso' ? findGuestOs(source.guestOS).os.name : source.image.name,
    ...(arch === undefined ? [] : [arch]),
    say('fact.cpus', { count }),
    `${say('setting.memory')} ${formatSize(memoryBytes)}`,
    ...(diskBytes === undefined ? [] : [`${say('new.disk')} ${formatSize(diskBytes)}`]),
  ];
  return `${name}: ${parts.join(' · ')}`;
}

/** What the new machine is. Fields that are left empty have the defaults of the system, which they show. */
export function MachineForm({ source, taken, isBusy, create }: FormProps): ReactElement {
  const { say } = useText();
  const [form, setForm] = useState<Form>(() => ({ ...emptyForm, name: freeName(stemOf(source), taken) }));
  const [isStarted, setStarted] = useState(true);
  const defaults = defaultsOf(source);
  const plan = planOf(source, form);
  const set = (change: Partial<Form>) => setForm({ ...form, ...change });
  const errorOf = (field: keyof Form) =>
    'field' in plan && plan.field === field && form[field] !== '' ? { error: plan.problem } : {};
  const isFromCatalogue = source.kind === 'image' && source.image.source === 'catalogue';
  return (
    <FormPanel
      submit={() => {
        if ('request' in plan) create(plan.request, isStarted);
      }}
    >
      <TextInput
        size="xs"
        label={say('new.name')}
        value={form.name}
        maxLength={80}
        {...errorOf('name')}
        onChange={(event) => set({ name: event.currentTarget.value })}
      />
      <div className={styles.fields}>
        <NumberInput
          size="xs"
          label={say('setting.cpus')}
          placeholder={String(defaults.cpus)}
          value={form.cpus}
          min={1}
          max={32}
          allowDecimal={false}
          onChange={(value) => set({ cpus: String(value) })}
        />
        <TextInput
          size="xs"
          label={say('setting.memory')}
          placeholder={formatSize(defaults.memoryMiB * mebi)}
          value={form.memory}
          maxLength={20}
          {...errorOf('memory')}
          onChange={(event) => set({ memory: event.currentTarget.value })}
        />
        {defaults.diskGiB !== undefined && (
          <TextInput
            size="xs"
            label={say('new.disk')}
            placeholder={formatSize(defaults.diskGiB * gibi)}
            value={form.disk}
            maxLength={20}
            {...errorOf('disk')}
            onChange={(event) => set({ disk: event.currentTarget.value })}
          />
        )}
      </div>
      {isFromCatalogue && <Login form={form} set={set} />}
      <Checkbox
        size="xs"
        label={say('new.start')}
        checked={isStarted}
        onChange={(event) => setStarted(event.currentTarget.checked)}
      />
      <p className="help">
        {'request' in plan && summaryOf(source, plan.request, say)}
        {/* Why there is none yet; a field that something wrong was written into says so itself. */}
        {'field' in plan && (plan.field === 'source' || form[plan.field] === '') && plan.problem}
      </p>
      <Button type="submit" disabled={isBusy || !('request' in plan)}>
        {say('new.create')}
      </Button>
    </FormPanel>
  );
}

interface LoginProps {
  readonly form: Form;
  readonly set: (change: Partial<Form>) => void;
}

/** Who can log in to a machine that is made from an image of the catalogue. */
function Login({ form, set }: LoginProps): ReactElement {
  const { say } = useText();
  return (
    <>
      <TextInput
        size="xs"
        label={say('new.user')}
        placeholder="kame"
        value={form.user}
        maxLength={32}
        onChange={(event) => set({ user: event.currentTarget.value })}
      />
      <Textarea
        size="xs"
        label={say('new.key')}
        description={say('new.keyHelp')}
        placeholder="ssh-ed25519 AAAA…"
        value={form.sshKey}
        maxLength={16_384}
        rows={2}
        onChange={(event) => set({ sshKey: event.currentTarget.value })}
      />
    </>
  );
}
