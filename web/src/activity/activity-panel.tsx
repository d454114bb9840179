import { useMemo, type ReactElement } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { useActivity } from '../data/activity.ts';
import { useText } from '../text/text.ts';
import styles from './activity.module.css';
import { Chart } from './chart.tsx';
import { byteSteps, processors, size } from './format.ts';
import { machineSeries } from './series.ts';
import { TrafficCharts } from './traffic-charts.tsx';

/** What a machine uses. */
export function ActivityPanel({ machine }: { machine: Machine }): ReactElement {
  const { say } = useText();
  const samples = useActivity();
  const { id, cpus, memoryBytes } = machine;
  const { cpu, memory, disk, network } = useMemo(
    () => ({
      cpu: machineSeries(samples, id, (from) => from.cpus),
      memory: machineSeries(
        samples,
        id,
        (from) => from.residentBytes,
        (from) => from.privateBytes,
      ),
      disk: machineSeries(
        samples,
        id,
        (from) => from.readBytesPerSecond,
        (from) => from.writtenBytesPerSecond,
      ),
      network: machineSeries(
        samples,
        id,
        (from) => from.receivedBytesPerSecond,
        (from) => from.sentBytesPerSecond,
      ),
    }),
    [samples, id],
  );
  const isOn = machine.state === 'running' || machine.state === 'paused';
  return (
    <div className={styles.room}>
      {!isOn && <p className="help">{say('activity.off')}</p>}
      <div className={styles.charts}>
        <Chart
          title={say('activity.cpu')}
          lines={[say('activity.used')]}
          series={cpu}
          format={processors}
          least={1}
          max={Math.max(1, cpus)}
        />
        <Chart
          title={say('activity.memoryOf', { size: size(memoryBytes) })}
          lines={[say('activity.resident'), say('activity.private')]}
          series={memory}
          format={size}
          least={1024 * 1024}
          steps={byteSteps}
        />
        <TrafficCharts disk={disk} network={network} />
      </div>
      <p className="help">{say('activity.help')}</p>
    </div>
  );
}
