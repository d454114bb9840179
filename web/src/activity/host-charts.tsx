import { useMemo, type ReactElement } from 'react';
import { useActivity } from '../data/activity.ts';
import { useText } from '../text/text.ts';
import styles from './activity.module.css';
import { Chart } from './chart.tsx';
import { byteSteps, processors, size, watts } from './format.ts';
import { hostSeries } from './series.ts';
import { TrafficCharts } from './traffic-charts.tsx';

/** What all programs of this computer use. */
export function HostCharts(): ReactElement {
  const { say } = useText();
  const samples = useActivity();
  const { cpu, memory, disk, network, energy } = useMemo(
    () => ({
      cpu: hostSeries(samples, ({ cpus }) => cpus),
      memory: hostSeries(samples, ({ memoryBytes, freeBytes }) => memoryBytes - freeBytes),
      disk: hostSeries(
        samples,
        (from) => from.readBytesPerSecond,
        (from) => from.writtenBytesPerSecond,
      ),
      network: hostSeries(
        samples,
        (from) => from.receivedBytesPerSecond,
        (from) => from.sentBytesPerSecond,
      ),
      energy: hostSeries(samples, ({ watts }) => watts),
    }),
    [samples],
  );
  const { cpuCount = 1, memoryBytes = 0, wattsLack = null } = samples.at(-1)?.host ?? {};
  return (
    <div className={styles.room}>
      <div className={styles.charts}>
        <Chart
          title={say('activity.cpu')}
          lines={[say('activity.used')]}
          series={cpu}
          format={processors}
          least={1}
          max={cpuCount}
        />
        <Chart
          title={say('activity.memoryOf', { size: size(memoryBytes) })}
          lines={[say('activity.used')]}
          series={memory}
          format={size}
          least={1024 * 1024}
          steps={byteSteps}
          {...(memoryBytes > 0 ? { max: memoryBytes } : {})}
        />
        <TrafficCharts disk={disk} network={network} />
        {wattsLack === null && (
          <Chart
            title={say('activity.energy')}
            lines={[say('activity.processors')]}
            series={energy}
            format={watts}
            least={5}
          />
        )}
      </div>
      {wattsLack !== null && <p className="help">{say(`activity.energy.${wattsLack}`)}</p>}
    </div>
  );
}
