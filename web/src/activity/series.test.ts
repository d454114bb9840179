import { expect, it } from 'vitest';
import type { ActivitySample } from '../../../src/api/generated/shapes.ts';
import { hostSeries, machineSeries } from './series.ts';

const host = {
  cpus: 0.5,
  cpuCount: 2,
  memoryBytes: 4096,
  freeBytes: 1024,
  readBytesPerSecond: null,
  writtenBytesPerSecond: null,
  receivedBytesPerSecond: null,
  sentBytesPerSecond: null,
  watts: null,
  wattsLack: 'not-told' as const,
};
const demo = {
  id: 'a',
  name: 'demo',
  cpus: 1,
  residentBytes: 10,
  privateBytes: null,
  configuredBytes: 20,
  readBytesPerSecond: 3,
  writtenBytesPerSecond: null,
  receivedBytesPerSecond: null,
  sentBytesPerSecond: null,
};
const samples: ActivitySample[] = [
  { at: '1970-01-01T00:00:02.000Z', host, machines: [demo] },
  { at: '1970-01-01T00:00:04.000Z', host, machines: [] },
];

it('has a line for each number, and gaps where a machine did not run', () => {
  const series = machineSeries(
    samples,
    'a',
    ({ cpus }) => cpus,
    ({ privateBytes }) => privateBytes,
  );
  expect(series).toEqual([
    [2, 4],
    [1, null],
    [null, null],
  ]);
});

it('has lines of the host', () => {
  expect(hostSeries(samples, ({ memoryBytes, freeBytes }) => memoryBytes - freeBytes)).toEqual([
    [2, 4],
    [3072, 3072],
  ]);
});
