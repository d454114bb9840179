import { KameError } from './errors.ts';
import { silentProgress, type Progress } from './progress.ts';

/** Waits; returns early, without an error, when the signal fires. Only for use between two checks of a condition. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return;
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
  });
}

/** One listener for each signal: those who wait for something else too may stop waiting long before it fires. */
const abortions = new WeakMap<AbortSignal, Promise<void>>();

/** Resolves when a signal fires. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const known = abortions.get(signal);
  const abortion =
    known ??
    new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  if (!known) abortions.set(signal, abortion);
  await abortion;
}

/**
 * Waits until a promise has settled, for at most `ms`. The promise itself continues.
 * @returns whether it has settled
 */
export async function settledWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const over = new AbortController();
  const settled = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, pause(ms, over.signal).then(() => false)]);
  } finally {
    over.abort();
  }
}

/** How much earlier than by `performance.now()` a timer of Node may fire, in milliseconds. */
const earlyMs = 2;

/** How long one step may take, and how it is cancelled. */
export interface StepLimits extends Progress {
  /** In milliseconds. */
  readonly deadlineMs: number;
}

/** When a whole operation must be done, and the signal that cancels it. It is handed to every step. */
export class Deadline {
  readonly progress: Progress;
  readonly #end: number;

  /** @param ms milliseconds from now; Infinity for no limit */
  constructor(ms: number, progress: Progress = silentProgress()) {
    this.progress = progress;
    this.#end = performance.now() + ms;
  }

  get signal(): AbortSignal {
    return this.progress.signal;
  }

  /** Milliseconds that are left; never negative. */
  get leftMs(): number {
    const left = this.#end - performance.now();
    return left <= earlyMs ? 0 : left;
  }

  /** Limits for a step that should take at most `ms`: the operation may be over sooner. */
  step(ms: number): StepLimits {
    const { signal, report } = this.progress;
    return { deadlineMs: Math.min(ms, this.leftMs), signal, report };
  }
}

/**
 * A signal that fires after `ms` or together with `signal`, whichever comes first. Disposing it stops the timer.
 * AbortSignal.any with AbortSignal.timeout does not work in Node 20: the timeout is garbage-collected before it fires.
 */
export function deadlineSignal(
  ms: number,
  signal: AbortSignal,
): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const fire = () => controller.abort();
  const timer = setTimeout(fire, Math.max(0, ms));
  if (signal.aborted) fire();
  else signal.addEventListener('abort', fire);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      signal.removeEventListener('abort', fire);
    },
  };
}

export interface PollOptions {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  /** Milliseconds before the second check; the interval then grows up to `maxStepMs`. */
  readonly stepMs?: number;
  readonly maxStepMs?: number;
}

/**
 * Calls `look` repeatedly until it returns a value.
 * @returns undefined if the deadline passes first
 * @throws KameError CANCELLED
 */
export async function poll<T>(
  look: () => Promise<T | undefined>,
  options: PollOptions,
): Promise<T | undefined> {
  const end = performance.now() + options.deadlineMs;
  let step = options.stepMs ?? 5;
  for (;;) {
    if (options.signal?.aborted) throw new KameError('CANCELLED', 'The operation was cancelled.');
    const found = await look();
    if (found !== undefined) return found;
    const left = end - performance.now();
    if (left <= 0) return undefined;
    await pause(Math.min(step, left), options.signal);
    step = Math.min(step * 1.5, options.maxStepMs ?? 250);
  }
}
