import type { Series } from './series.ts';

/** A moment of a graph: seconds since 1970, and the value of each line. */
export interface Moment {
  readonly at: number;
  readonly values: readonly (number | null)[];
}

/** Some moments of a graph at about the same distances, the latest first. @param most how many, at least 2 */
export function momentsOf([times, ...lines]: Series, most: number): Moment[] {
  const step = Math.max(1, (times.length - 1) / (most - 1));
  const moments: Moment[] = [];
  for (let back = 0; moments.length < most && back < times.length; back += step) {
    const index = times.length - 1 - Math.round(back);
    moments.push({ at: times[index] ?? 0, values: lines.map((line) => line[index] ?? null) });
  }
  return moments;
}
