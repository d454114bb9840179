import { mkdirSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tableLines, type Cell } from '../../src/cli/table.ts';
import { version } from '../../src/core/version.ts';
import { barsOf, figuresOf, type Bar, type Result, type Series } from './result.ts';

const results = fileURLToPath(new URL('../results', import.meta.url));
const head = ['', 'MEDIAN', 'MIN', 'MAX', 'RATIO', 'BAR', ''];

function amount(value: number, unit: Series['unit']): string {
  if (unit === 'ms') return value < 1000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(2)} s`;
  if (unit === '') return String(value);
  return `${value.toFixed(unit === '%' ? 2 : 1)} ${unit}`;
}

function barText(bar: Bar, unit: Series['unit']): string {
  const value = bar.of === 'ratio' ? `${bar.value} ×` : amount(bar.value, unit);
  return `${bar.of} ${bar.at === 'most' ? '≤' : '≥'} ${value}`;
}

const right = (text: string): Cell => ({ text, align: 'right' });

function row(series: Series, all: readonly Series[]): (Cell | string)[] {
  const { median, min, max, ratio, met } = figuresOf(series, all);
  return [
    series.name,
    ...[median, min, max].map((value) => right(amount(value, series.unit))),
    right(ratio === null ? '' : `${ratio.toFixed(2)} ×`),
    barsOf(series)
      .map((bar) => barText(bar, series.unit))
      .join(', '),
    met === null ? '' : met ? 'met' : 'MISSED',
  ];
}

/** The table of a result, for people. */
export function tableOf({ bench, title, series, notes }: Result): string {
  const table = tableLines([head, ...series.map((each) => row(each, series))]);
  return [`${bench}: ${title}`, ...table, ...notes.map((note) => `  ${note}`)].join('\n');
}

/** Writes a result with all its samples to `bench/results/NAME.json`; returns the path. */
export function saveResult(result: Result): string {
  const host = {
    platform: platform(),
    arch: arch(),
    kernel: release(),
    cpu: cpus()[0]?.model ?? '',
    cpus: cpus().length,
    memoryBytes: totalmem(),
    node: process.versions.node,
  };
  const series = result.series.map((each) => ({ ...each, ...figuresOf(each, result.series) }));
  const document = { ...result, series, kame: version, at: new Date().toISOString(), host };
  mkdirSync(results, { recursive: true });
  const path = join(results, `${result.bench}.json`);
  writeFileSync(path, `${JSON.stringify(document, null, 2)}\n`);
  return path;
}
