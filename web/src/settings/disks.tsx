import { Button, Menu, TextInput } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import type { MachineDisk } from '../../../src/api/generated/shapes.ts';
import { messageOf } from '../../../src/core/errors.ts';
import { formatSize, parseSize } from '../../../src/core/units.ts';
import { client } from '../data/client.ts';
import { useDisks } from '../data/settings.ts';
import { Note } from '../design/note/note.tsx';
import { MoreMenu } from '../design/more-menu/more-menu.tsx';
import { Panel } from '../design/panel/panel.tsx';
import { Row } from '../design/row/row.tsx';
import { useText } from '../text/text.ts';
import type { PartProps } from './part.ts';
import styles from './settings.module.css';

/** The disks of a machine: what they take, and what can be done to them. */
export function Disks(props: PartProps): ReactElement {
  const { say } = useText();
  const disks = useDisks(props.machine.id);
  return (
    <Panel title={say('settings.disks')}>
      <ul className={styles.list}>
        {(disks ?? []).map((disk) => (
          <Disk key={disk.slot} {...props} disk={disk} />
        ))}
      </ul>
      <AddDisk {...props} />
    </Panel>
  );
}

function Disk({ machine, disk, run, isBusy, isStopped }: PartProps & { disk: MachineDisk }): ReactElement {
  const { say } = useText();
  const [isGrowing, setGrowing] = useState(false);
  const { slot, sizeBytes, layers, problem, path } = disk;
  const taken = layers.reduce((sum, { allocatedBytes }) => sum + (allocatedBytes ?? 0), 0);
  const compact = () =>
    run('disks', async (options) => {
      const { bytesFreed } = await client.disks.compact(machine.id, slot, options);
      return say('settings.compacted', { size: formatSize(Math.max(0, bytesFreed)) });
    });
  const check = () =>
    run('disks', async (options) => {
      const { ok, layers: checked } = await client.disks.check(machine.id, slot, {}, options);
      return ok ? say('settings.checked') : checked.map(({ message }) => message).join(' ');
    });
  const remove = () =>
    run('disks', async () => {
      await client.disks.remove(machine.id, slot, { keepFile: true });
      return say('settings.diskRemoved');
    });
  return (
    <li>
      <div className={styles.item}>
        <div>
          <p>
            <span className="mono">{slot}</span> {sizeBytes !== null && formatSize(sizeBytes)}
          </p>
          <p className="help" title={path}>
            {say('settings.diskFacts', { size: formatSize(taken), count: layers.length })}
          </p>
        </div>
        <MoreMenu label={say('do.more', { name: slot })} disabled={isBusy || !isStopped}>
          <Menu.Item onClick={() => setGrowing(true)}>{say('settings.grow')}</Menu.Item>
          <Menu.Item onClick={compact}>{say('settings.compact')}</Menu.Item>
          <Menu.Item onClick={check}>{say('settings.check')}</Menu.Item>
          <Menu.Item color="var(--broken)" onClick={remove}>
            {say('settings.removeDisk')}
          </Menu.Item>
        </MoreMenu>
      </div>
      {problem !== null && (
        <Note kind="error">
          <p>{problem}</p>
        </Note>
      )}
      {isGrowing && (
        <SizeForm
          label={say('settings.newSize')}
          button={say('settings.grow')}
          first={sizeBytes === null ? '' : formatSize(sizeBytes)}
          isBusy={isBusy}
          submit={(bytes) => {
            setGrowing(false);
            run('disks', async (options) => {
              const { notes } = await client.disks.grow(machine.id, slot, { sizeBytes: bytes }, options);
              return notes.join(' ') || undefined;
            });
          }}
        />
      )}
    </li>
  );
}

interface SizeFormProps {
  readonly label: string;
  readonly button: string;
  readonly first: string;
  readonly isBusy: boolean;
  readonly submit: (bytes: number) => void;
}

/** A field for a size with its unit. */
function SizeForm({ label, button, first, isBusy, submit }: SizeFormProps): ReactElement {
  const [text, setText] = useState(first);
  const { bytes, problem } = sizeIn(text);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (bytes !== undefined) submit(bytes);
      }}
    >
      <Row>
        <TextInput
          size="xs"
          label={label}
          value={text}
          maxLength={40}
          {...(problem === undefined ? {} : { error: problem })}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Button size="xs" variant="default" type="submit" disabled={isBusy || bytes === undefined}>
          {button}
        </Button>
      </Row>
    </form>
  );
}

/** The bytes that a text stands for, or why it stands for none; an empty text, or 0, needs no reason. */
function sizeIn(text: string): { readonly bytes?: number; readonly problem?: string } {
  if (text.trim() === '') return {};
  try {
    const bytes = parseSize(text);
    return bytes > 0 ? { bytes } : {};
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

function AddDisk({ machine, run, isBusy, isStopped }: PartProps): ReactElement {
  const { say } = useText();
  return (
    <SizeForm
      label={say('settings.addDisk')}
      button={say('settings.add')}
      first="20 GiB"
      isBusy={isBusy || !isStopped}
      submit={(sizeBytes) =>
        run('disks', async (options) => {
          await client.disks.add(machine.id, { sizeBytes }, options);
          return undefined;
        })
      }
    />
  );
}
