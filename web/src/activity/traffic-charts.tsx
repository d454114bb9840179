import type { ReactElement } from 'react';
import { useText } from '../text/text.ts';
import { Chart, type ChartProps } from './chart.tsx';
import { byteSteps, perSecond } from './format.ts';

interface TrafficChartsProps {
  readonly disk: ChartProps['series'];
  readonly network: ChartProps['series'];
}

const traffic = { format: perSecond, least: 1024, steps: byteSteps } as const;

/** Bytes a second of disks and of networks, each in two directions. */
export function TrafficCharts({ disk, network }: TrafficChartsProps): ReactElement {
  const { say } = useText();
  return (
    <>
      <Chart
        {...traffic}
        title={say('activity.disk')}
        lines={[say('activity.read'), say('activity.written')]}
        series={disk}
      />
      <Chart
        {...traffic}
        title={say('activity.network')}
        lines={[say('activity.received'), say('activity.sent')]}
        series={network}
      />
    </>
  );
}
