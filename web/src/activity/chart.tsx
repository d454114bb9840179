import { ActionIcon, Tooltip, useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef, useState, type ReactElement } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { Icon } from '../design/icon/icon.tsx';
import { Panel } from '../design/panel/panel.tsx';
import { useText } from '../text/text.ts';
import styles from './activity.module.css';
import { MomentsTable } from './moments-table.tsx';
import type { Series } from './series.ts';

export interface ChartProps {
  readonly title: string;
  /** The names of the lines, in their order. */
  readonly lines: readonly string[];
  readonly series: Series;
  /** A value with its unit. */
  readonly format: (value: number) => string;
  /** The top of the scale, if it has one. */
  readonly max?: number;
  /** The least top of a scale that follows the values. */
  readonly least: number;
  /** The steps that its marks may have; those of uPlot are decimal. */
  readonly steps?: readonly number[];
}

const height = 160;
/** Seconds of a graph that has just begun. */
const leastSeconds = 60;
/** The colours of the lines, from tokens.css. */
const colours = ['--accent', '--suspended', '--paused'];

function optionsOf(
  latest: { readonly current: ChartProps },
  place: HTMLElement,
  language: string,
): uPlot.Options {
  const { lines, format, steps } = latest.current;
  const style = getComputedStyle(place);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--ink-soft'),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  const topOf = (highest: number | null) => {
    const { max, least } = latest.current;
    return max ?? Math.max((highest ?? 0) * 1.1, least);
  };
  // uPlot would give a single sample a whole day.
  const timesOf = (): [number, number] => {
    const [times] = latest.current.series;
    const last = times.at(-1) ?? Date.now() / 1000;
    return [Math.min(times[0] ?? last, last - leastSeconds), last];
  };
  const time = (seconds: number) => new Date(seconds * 1000).toLocaleTimeString(language);
  return {
    width: place.clientWidth,
    height,
    legend: { show: false },
    cursor: { y: false },
    // The last time of the axis stands half beyond it.
    padding: [8, 34, 0, 0],
    scales: {
      x: { range: timesOf },
      y: { range: (_chart, _min, highest) => [0, topOf(highest)] },
    },
    axes: [
      { ...axis, size: 28, space: 90, values: (_chart, ticks) => ticks.map(time) },
      {
        ...axis,
        size: 78,
        values: (_chart, ticks) => ticks.map((tick) => format(tick)),
        ...(steps ? { incrs: [...steps] } : {}),
      },
    ],
    series: [
      {},
      ...lines.map((label, at) => ({
        label,
        stroke: colour(colours[at] ?? '--ink'),
        width: 1.5,
        ...(at === 0 ? { fill: colour('--accent-soft') } : {}),
        points: { show: false },
      })),
    ],
  };
}

/** Numbers over time. A screen reader hears the last ones, which stand beside the title, and the others as a table. */
export function Chart(props: ChartProps): ReactElement {
  const { title, lines, series, format } = props;
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(undefined);
  const scheme = useComputedColorScheme('light');
  const { say, language } = useText();
  const latest = useRef(props);
  latest.current = props;
  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const drawn = new uPlot(
      optionsOf(latest, element, language),
      latest.current.series as unknown as uPlot.AlignedData,
      element,
    );
    chart.current = drawn;
    const watch = new ResizeObserver(() => drawn.setSize({ width: element.clientWidth, height }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      drawn.destroy();
    };
  }, [scheme, language]);
  useEffect(() => chart.current?.setData(series as unknown as uPlot.AlignedData), [series]);
  const [, ...values] = series;
  const [isTable, setTable] = useState(false);
  const asTable = say('activity.table', { title });
  return (
    <Panel
      title={title}
      tools={
        <Tooltip label={asTable}>
          <ActionIcon
            size="sm"
            variant="subtle"
            color="gray"
            aria-label={asTable}
            aria-pressed={isTable}
            onClick={() => setTable(!isTable)}
          >
            <Icon name="rows" size={14} />
          </ActionIcon>
        </Tooltip>
      }
    >
      <ul className={styles.legend}>
        {lines.map((line, at) => {
          const last = values[at]?.at(-1);
          return (
            <li key={line} data-line={at}>
              {line} <strong>{last === null || last === undefined ? '–' : format(last)}</strong>
            </li>
          );
        })}
      </ul>
      <div ref={place} className={styles.chart} aria-hidden />
      {isTable && <MomentsTable title={title} lines={lines} series={series} format={format} />}
    </Panel>
  );
}
