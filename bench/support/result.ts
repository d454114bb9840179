/** One series of measurements, and its bar. */
export interface Series {
  readonly name: string;
  /** Empty for a count. */
  readonly unit: 'ms' | 'MB' | 'MB/s' | 'MiB/s' | 'Gbit/s' | 'Mbit/s' | '%' | '';
  /** In the order in which they were measured. */
  readonly samples: readonly number[];
  /** The series with which the median is compared: the quotient of the two, or its inverse. */
  readonly ratio?: { readonly to: string; readonly inverse?: boolean };
  /** If there are several, all must be met. */
  readonly bar?: Bar | readonly Bar[];
}

export interface Bar {
  readonly of: 'ratio' | 'median' | 'min' | 'max';
  readonly at: 'most' | 'least';
  readonly value: number;
}

export interface Result {
  readonly bench: string;
  readonly title: string;
  readonly series: readonly Series[];
  /** What a reader must know to interpret the numbers. */
  readonly notes: readonly string[];
}

export interface Figures {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly ratio: number | null;
  readonly met: boolean | null;
}

export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)];
  const lower = sorted[Math.ceil(middle) - 1];
  if (upper === undefined || lower === undefined) throw new Error('A median needs at least one sample.');
  return (lower + upper) / 2;
}

function ratioOf({ samples, ratio }: Series, all: readonly Series[]): number | null {
  if (!ratio) return null;
  const base = all.find(({ name }) => name === ratio.to);
  if (!base) throw new Error(`Unknown series ${ratio.to}.`);
  const quotient = median(samples) / median(base.samples);
  return ratio.inverse ? 1 / quotient : quotient;
}

export function barsOf({ bar }: Series): readonly Bar[] {
  if (bar === undefined) return [];
  return 'of' in bar ? [bar] : bar;
}

export function figuresOf(series: Series, all: readonly Series[]): Figures {
  const { samples, bar } = series;
  const figures = {
    median: median(samples),
    min: Math.min(...samples),
    max: Math.max(...samples),
    ratio: ratioOf(series, all),
  };
  if (!bar) return { ...figures, met: null };
  const met = barsOf(series).every(({ of, at, value: limit }) => {
    const value = figures[of];
    if (value === null) throw new Error(`${series.name} has a bar for a ratio, but no ratio.`);
    return at === 'most' ? value <= limit : value >= limit;
  });
  return { ...figures, met };
}
