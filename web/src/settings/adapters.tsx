import { Button, Menu, NativeSelect, NumberInput, Switch } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import type { MachineNic } from '../../../src/api/generated/shapes.ts';
import { shapeLimits } from '../../../src/model/link-shape.ts';
import { client } from '../data/client.ts';
import { useNetworkNames, useNics } from '../data/settings.ts';
import { MoreMenu } from '../design/more-menu/more-menu.tsx';
import { Panel } from '../design/panel/panel.tsx';
import { Row } from '../design/row/row.tsx';
import { useText } from '../text/text.ts';
import type { PartProps } from './part.ts';
import styles from './settings.module.css';

/** The network adapters. All of this takes effect at once, while the machine runs too. */
export function Adapters(props: PartProps): ReactElement {
  const { machine, run, isBusy } = props;
  const { say } = useText();
  const nics = useNics(machine.id);
  const networks = useNetworkNames();
  const add = () =>
    run('adapters', async () => {
      await client.nics.add(machine.id, {});
      return undefined;
    });
  return (
    <Panel title={say('settings.adapters')} help={say('settings.now')}>
      <ul className={styles.list}>
        {(nics ?? []).map((nic) => (
          <Adapter key={nic.index} {...props} nic={nic} networks={networks} />
        ))}
      </ul>
      <Button size="xs" variant="default" disabled={isBusy} onClick={add}>
        {say('settings.addAdapter')}
      </Button>
    </Panel>
  );
}

interface AdapterProps extends PartProps {
  readonly nic: MachineNic;
  readonly networks: readonly string[];
}

function Adapter({ machine, nic, networks, run, isBusy, isStopped }: AdapterProps): ReactElement {
  const { say } = useText();
  const [isShaping, setShaping] = useState(false);
  const { index, network, connected, model, mac, removable } = nic;
  const name = `ethernet${index}`;
  const set = (change: Parameters<typeof client.nics.set>[2]) =>
    run('adapters', async () => {
      const to = async (what: typeof change) => await client.nics.set(machine.id, String(index), what);
      await to(change);
      const { receive, transmit } = nic;
      return {
        said: say('settings.adapterSet', { name }),
        undo: async () => await to({ network, connected, receive, transmit }),
      };
    });
  const remove = () =>
    run('adapters', async () => {
      await client.nics.remove(machine.id, String(index));
      return undefined;
    });
  return (
    <li>
      <div className={styles.item}>
        <div>
          <p>
            <span className="mono">{name}</span> {model}
          </p>
          <p className="help">
            <span className="mono">{mac}</span>
          </p>
        </div>
        <MoreMenu label={say('do.more', { name })} disabled={isBusy}>
          <Menu.Item onClick={() => setShaping(!isShaping)}>{say('settings.shape')}</Menu.Item>
          <Menu.Item color="var(--broken)" disabled={!isStopped && !removable} onClick={remove}>
            {say('settings.removeAdapter')}
          </Menu.Item>
        </MoreMenu>
      </div>
      <Row>
        <NativeSelect
          size="xs"
          aria-label={say('settings.networkOf', { name })}
          value={network}
          disabled={isBusy}
          data={[...new Set([network, ...networks])]}
          onChange={(event) => set({ network: event.currentTarget.value })}
        />
        <Switch
          size="xs"
          label={say('settings.cable')}
          checked={connected}
          disabled={isBusy}
          onChange={(event) => set({ connected: event.currentTarget.checked })}
        />
      </Row>
      {isShaping && (
        <Shape nic={nic} isBusy={isBusy} set={(shape) => set({ receive: shape, transmit: shape })} />
      )}
    </li>
  );
}

interface ShapeProps {
  readonly nic: MachineNic;
  readonly isBusy: boolean;
  readonly set: (shape: { bitsPerSecond: number | null; lossPerMille: number; latencyMs: number }) => void;
}

/** Limits of an adapter in both directions, as for a slow line. */
function Shape({ nic: { receive }, isBusy, set }: ShapeProps): ReactElement {
  const { say } = useText();
  const [megabits, setMegabits] = useState<number | ''>(
    receive.bitsPerSecond === null ? '' : receive.bitsPerSecond / 1e6,
  );
  const [percent, setPercent] = useState(receive.lossPerMille / 10);
  const [latency, setLatency] = useState(receive.latencyMs);
  const { kilobits, lossPerMille, latencyMs } = shapeLimits;
  return (
    <form
      className={styles.shape}
      onSubmit={(event) => {
        event.preventDefault();
        set({
          bitsPerSecond: megabits === '' ? null : Math.round(megabits * 1000) * 1000,
          lossPerMille: Math.round(percent * 10),
          latencyMs: latency,
        });
      }}
    >
      <NumberInput
        size="xs"
        label={say('settings.bandwidth')}
        placeholder={say('settings.unlimited')}
        value={megabits}
        min={kilobits.min / 1000}
        max={kilobits.max / 1000}
        onChange={(value) => setMegabits(value === '' ? '' : Number(value))}
      />
      <NumberInput
        size="xs"
        label={say('settings.loss')}
        value={percent}
        min={lossPerMille.min / 10}
        max={lossPerMille.max / 10}
        decimalScale={1}
        onChange={(value) => setPercent(Number(value))}
      />
      <NumberInput
        size="xs"
        label={say('settings.latency')}
        value={latency}
        min={latencyMs.min}
        max={latencyMs.max}
        allowDecimal={false}
        onChange={(value) => setLatency(Number(value))}
      />
      <Button size="xs" variant="default" type="submit" disabled={isBusy}>
        {say('do.save')}
      </Button>
    </form>
  );
}
