/** What a benchmark measured, and how it stands against its bar. */
export interface Series {
  readonly name: string;
  /** Empty for a number of things. */
  readonly unit: 'ms' | 'MB' | '%' | '';
  /** In the order in which they were measured. */
  readonly samples: readonly number[];
  /** The series whose median this one's median is divided by, or, where the other way round says more, divides. */
  readonly ratio?: { readonly to: string; readonly inverse?: boolean };
  /** Several: all must be met. */
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
  /** What a reader must know to judge the numbers. */
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
  if (upper === undefined || lower === undefined) throw new Error('There is no median of nothing.');
  return (lower + upper) / 2;
}

function ratioOf({ samples, ratio }: Series, all: readonly Series[]): number | null {
  if (!ratio) return null;
  const base = all.find(({ name }) => name === ratio.to);
  if (!base) throw new Error(`There is no series ${ratio.to}.`);
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
    if (value === null) throw new Error(`${series.name} has a bar for a ratio, and no ratio.`);
    return at === 'most' ? value <= limit : value >= limit;
  });
  return { ...figures, met };
}
