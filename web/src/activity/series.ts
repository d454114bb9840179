import type { ActivitySample, MachineActivity } from '../../../src/api/generated/shapes.ts';

/** Numbers over time as uPlot takes them: seconds since 1970, then one list for each line; null where nothing is known. */
export type Series = readonly [times: readonly number[], ...lines: readonly (readonly (number | null)[])[]];

function seriesOf<T>(
  samples: readonly ActivitySample[],
  pick: (sample: ActivitySample) => T | undefined,
  lines: readonly ((from: T) => number | null)[],
): Series {
  const picked = samples.map(pick);
  const values = lines.map((line) => picked.map((from) => (from === undefined ? null : line(from))));
  return [samples.map(({ at }) => new Date(at).getTime() / 1000), ...values];
}

/** Lines about one machine. It leaves gaps where it did not run. */
export function machineSeries(
  samples: readonly ActivitySample[],
  id: string,
  ...lines: readonly ((from: MachineActivity) => number | null)[]
): Series {
  return seriesOf(samples, ({ machines }) => machines.find((machine) => machine.id === id), lines);
}

/** Lines about the host. */
export function hostSeries(
  samples: readonly ActivitySample[],
  ...lines: readonly ((from: ActivitySample['host']) => number | null)[]
): Series {
  return seriesOf(samples, ({ host }) => host, lines);
}
