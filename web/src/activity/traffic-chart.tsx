import type { ReactElement } from 'react';
import { Chart, type ChartProps } from './chart.tsx';
import { byteSteps, perSecond } from './format.ts';

/** Bytes a second, in two directions. */
export function TrafficChart(props: Pick<ChartProps, 'title' | 'lines' | 'series'>): ReactElement {
  return <Chart {...props} format={perSecond} least={1024} steps={byteSteps} />;
}
