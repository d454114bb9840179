import {
  isSurelyWrong,
  lookAtClock,
  setClock,
  wrongMs,
  type ClockAgent,
  type ClockReport,
  type Look,
} from './clock.ts';

/**
 * Why the clock is looked at: `changed` after something that makes it wrong, such as a resume; `usual` for a check that
 * is made from time to time.
 */
export type ClockOccasion = 'changed' | 'usual';

export interface ClockReading {
  /** Guest's time less the host's, in milliseconds. */
  readonly offsetMs: number;
  /** When that was, by the host's clock. */
  readonly at: Date;
}

export interface CheckOptions {
  /** Whether a wrong clock may be set; otherwise it is only read. */
  readonly set: boolean;
  readonly signal?: AbortSignal;
}

/** What a check did; `own` for a clock that is left alone because the guest always sets it back. */
export type ClockCheck = Omit<ClockReport, 'by'> & {
  readonly by: ClockReport['by'] | 'own';
  /** What the guest's clock was off by before it was set, in milliseconds. */
  readonly wasMs?: number;
};

/** A time service of the guest that is not to be fought sets its clock to within this of what it was. */
const sameMs = 250;
/** How often a clock that jumps back is set again before it is left alone. */
const maxReturns = 3;

/**
 * Keeps the clock of one guest at the host's time. When to check is the caller's business. A guest with a time service
 * of its own differs from the host only when the host's time is wrong: if its clock jumps back to the same difference
 * after each correction, it is left alone until the next change.
 */
export class ClockKeeper {
  readonly #agent: ClockAgent;
  #reading: ClockReading | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  /** How far off the clock was after the last check, in milliseconds: a reading for people must not change what is decided. */
  #checkedMs: number | undefined;
  /** What the last correction of a usual check was, and how often the clock has jumped back to that. */
  #corrected: { readonly offsetMs: number; readonly returns: number } | undefined;

  constructor(agent: ClockAgent) {
    this.#agent = agent;
  }

  /** The last reading, if the agent tells the time. */
  get reading(): ClockReading | undefined {
    return this.#reading;
  }

  /**
   * Reads the clock anew.
   * @throws KameError GUEST_AGENT_MISSING, GUEST_TIMEOUT, CANCELLED
   */
  async read(options: { readonly deadlineMs?: number; readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#note(await lookAtClock(this.#agent, options));
  }

  /**
   * Reads the clock, and sets it if it is wrong. Checks of one guest follow each other; a usual one is left out while
   * another is in progress.
   * @throws KameError GUEST_AGENT_MISSING, GUEST_TIMEOUT, CANCELLED; a clock that can't be set is in the report
   */
  async check(occasion: ClockOccasion, options: CheckOptions): Promise<ClockCheck> {
    if (occasion === 'usual' && this.#waiting > 0) return { result: 'ok', by: 'kept' };
    this.#waiting += 1;
    const mine = this.#turn.then(async () => await this.#check(occasion, options));
    this.#turn = mine.catch(() => undefined).finally(() => (this.#waiting -= 1));
    return await mine;
  }

  async #check(occasion: ClockOccasion, { set, signal }: CheckOptions): Promise<ClockCheck> {
    const options = signal ? { signal } : {};
    const last = this.#checkedMs;
    const seen = await lookAtClock(this.#agent, options);
    this.#note(seen);
    this.#checkedMs = this.#reading?.offsetMs;
    if (occasion === 'changed') this.#corrected = undefined;
    if (!set || !needsSetting(occasion, seen)) return kept(seen);
    if (occasion === 'usual' && seen && this.#isOwn(seen, last)) return { ...kept(seen), by: 'own' };
    const report = await setClock(this.#agent, options);
    if (report.offsetMs !== undefined) this.#noteOffset(report.offsetMs);
    this.#checkedMs = this.#reading?.offsetMs;
    return { ...report, ...(seen ? { wasMs: Math.round(seen.offsetMs) } : {}) };
  }

  /** Whether the guest sets its clock back to what it was before the last corrections; counts this one if not. */
  #isOwn({ offsetMs }: Look, last: number | undefined): boolean {
    const before = this.#corrected;
    const same = before !== undefined && Math.abs(offsetMs - before.offsetMs) <= sameMs;
    // A clock that runs too fast or too slow goes off little by little.
    const jumped = last !== undefined && Math.abs(last) <= sameMs;
    if (same && before.returns >= maxReturns) return true;
    this.#corrected = { offsetMs, returns: same && jumped ? before.returns + 1 : 0 };
    return false;
  }

  #note(seen: Look | undefined): void {
    if (seen) this.#noteOffset(seen.offsetMs);
    else this.#reading = undefined;
  }

  #noteOffset(offsetMs: number): void {
    this.#reading = { offsetMs: Math.round(offsetMs), at: new Date() };
  }
}

function kept(seen: Look | undefined): ClockCheck {
  return { result: 'ok', by: 'kept', ...(seen ? { offsetMs: Math.round(seen.offsetMs) } : {}) };
}

/** After a change, a clock is set unless it surely is right; otherwise only if it surely is wrong. */
function needsSetting(occasion: ClockOccasion, seen: Look | undefined): boolean {
  if (!seen) return occasion === 'changed';
  return occasion === 'changed' ? Math.abs(seen.offsetMs) + seen.errorMs > wrongMs : isSurelyWrong(seen);
}
