import { Button, Checkbox, Menu, TextInput } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import type { MachineShares } from '../../../src/api/generated/shapes.ts';
import { client } from '../data/client.ts';
import { useShares } from '../data/settings.ts';
import { CommandLine } from '../design/command-line/command-line.tsx';
import { MoreMenu } from '../design/more-menu/more-menu.tsx';
import { Panel } from '../design/panel/panel.tsx';
import { Row } from '../design/row/row.tsx';
import { useText } from '../text/text.ts';
import type { PartProps } from './part.ts';
import styles from './settings.module.css';

/** Folders of the host that the guest sees. They come and go while it runs. */
export function Shares(props: PartProps): ReactElement {
  const { machine, run, isBusy } = props;
  const { say } = useText();
  const shares = useShares(machine.id);
  const remove = ({ name, hostPath, writable }: MachineShares['folders'][number]) =>
    run('shares', async () => {
      await client.shares.remove(machine.id, name);
      return {
        said: say('settings.unshared', { name }),
        undo: async () => await client.shares.add(machine.id, { name, hostPath, readOnly: !writable }),
      };
    });
  return (
    <Panel title={say('settings.shares')} help={say('settings.now')}>
      {shares && shares.note !== null && <p className="help">{shares.note}</p>}
      <ul className={styles.list}>
        {(shares?.folders ?? []).map((folder) => {
          const { name, hostPath, writable, reason } = folder;
          return (
            <li key={name}>
              <div className={styles.item}>
                <div>
                  <p>
                    {name} {!writable && <span className="help">{say('settings.readOnly')}</span>}
                  </p>
                  <p className="help">
                    <span className="mono">{hostPath}</span>
                  </p>
                  {reason !== null && <p className="help">{reason}</p>}
                </div>
                <MoreMenu label={say('do.more', { name })} disabled={isBusy}>
                  <Menu.Item color="var(--broken)" onClick={() => remove(folder)}>
                    {say('settings.unshare')}
                  </Menu.Item>
                </MoreMenu>
              </div>
            </li>
          );
        })}
      </ul>
      {shares && shares.folders.length > 0 && (
        <p className="help">
          {shares.mounted === null ? shares.needs : say('settings.mounted', { path: shares.mounted })}
        </p>
      )}
      {shares && shares.mount !== null && shares.mounted === null && shares.folders.length > 0 && (
        <CommandLine text={shares.mount} />
      )}
      <AddShare {...props} />
    </Panel>
  );
}

function AddShare({ machine, run, isBusy }: PartProps): ReactElement {
  const { say } = useText();
  const [hostPath, setHostPath] = useState('');
  const [readOnly, setReadOnly] = useState(true);
  const add = () =>
    run('shares', async () => {
      await client.shares.add(machine.id, { hostPath: hostPath.trim(), readOnly });
      setHostPath('');
      return undefined;
    });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        add();
      }}
    >
      <Row>
        <TextInput
          size="xs"
          label={say('settings.sharePath')}
          placeholder="/home/me/project"
          value={hostPath}
          maxLength={4096}
          onChange={(event) => setHostPath(event.currentTarget.value)}
        />
        <Button size="xs" variant="default" type="submit" disabled={isBusy || hostPath.trim() === ''}>
          {say('settings.share')}
        </Button>
      </Row>
      <Checkbox
        size="xs"
        label={say('settings.readOnlyShare')}
        checked={readOnly}
        onChange={(event) => setReadOnly(event.currentTarget.checked)}
      />
    </form>
  );
}
