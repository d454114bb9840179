import type { Planned } from './operations.ts';
import type { Blow, Struck } from './strike.ts';
import type { Victim } from './victims.ts';

/** What one step did and came to. */
export interface Sample {
  readonly seed: number;
  readonly step: number;
  readonly operation: string;
  readonly victims: readonly Victim[];
  readonly trigger: 'time' | 'event' | 'never';
  /** Milliseconds from the request to the kill; null when nothing was there to be killed. */
  readonly killedAtMs: number | null;
  readonly afterItsEnd: boolean;
  readonly ending: string;
  /** What was moved, linked or copied right after the kill, before the next command. */
  displaced: string | null;
  /** What the next command found; null when a violation came first. */
  outcome: 'done' | 'undone' | null;
  /** Milliseconds after the next command until nothing was left over. */
  cleanMs: number | null;
  /** Of the whole step, with all that is looked at. */
  ms: number;
  violation: { invariant: string; text: string } | null;
}

/** The sample of a step that nobody has looked at yet. */
export function sampleOf(
  at: { seed: number; step: number },
  planned: Planned,
  { victims, moment }: Blow,
  struck: Struck,
): Sample {
  return {
    ...at,
    operation: planned.name,
    victims,
    trigger: victims.length === 0 ? 'never' : moment.kind,
    killedAtMs: struck.killed.length === 0 ? null : struck.killedAtMs,
    afterItsEnd: struck.after,
    ending: endingText(struck),
    displaced: null,
    outcome: null,
    cleanMs: null,
    ms: 0,
    violation: null,
  };
}

/** Whether a step killed anyone: not a rehearsal, and not too late for the command. */
export function isKill({ killedAtMs }: Sample): boolean {
  return killedAtMs !== null;
}

/** How the operation ended for whoever asked for it, in words. */
export function endingText({ ending }: Struck): string {
  return ending.kind === 'failed' ? `failed: ${ending.message}` : ending.kind;
}

/** A step in one line, with what is wrong below it. */
export function textOf(sample: Sample): string {
  const {
    seed,
    step,
    operation,
    victims,
    trigger,
    killedAtMs,
    afterItsEnd,
    outcome,
    ending,
    displaced,
    cleanMs,
    ms,
  } = sample;
  const when =
    killedAtMs === null
      ? 'nothing'
      : `${killedAtMs.toFixed(0)} ms (${trigger}${afterItsEnd ? ', at its end' : ''})`;
  const who = victims.length === 0 ? 'nobody' : victims.join('+');
  const clean = cleanMs === null ? '' : `, clean after ${cleanMs.toFixed(0)} ms`;
  const then = displaced === null ? '' : `, then ${displaced}`;
  const line = `seed ${seed} step ${step}: ${operation}, ${who} killed at ${when}; ${ending}${then}; ${outcome ?? 'VIOLATION'}${clean}; ${(ms / 1000).toFixed(1)} s`;
  return sample.violation ? `${line}\n${sample.violation.text}` : line;
}
