import { KameError } from '../core/errors.ts';

/** What is wrong with a machine's description: the key, its value, and what is allowed. */
export interface ModelProblem {
  /**
   * `error`: the machine can't be used like this. `warning`: it can; where a value makes no sense, the message says
   * what is used instead.
   */
  readonly severity: 'error' | 'warning';
  /** The .vmx key, such as `memsize` or `ethernet0.connectionType`. */
  readonly key: string;
  readonly value: string;
  /** For a person: `a multiple of 4 from 64 to 1048576`. Empty where nothing can be listed. */
  readonly allowed: string;
  /** One sentence with all of it. */
  readonly message: string;
  /** Line of the .vmx, counted from 1, where there is one. */
  readonly line?: number;
}

/** Values may come from anywhere: what is shown of them has an end, and no control characters. */
export function shown(value: string): string {
  const clean = value.replace(/[\p{Cc}\p{Cf}\p{Surrogate}]/gu, '\uFFFD');
  return clean.length > 80 ? `${clean.slice(0, 80)}…` : clean;
}

/** A value outside of what is allowed. */
export function refused(key: string, value: string | number, allowed: string): ModelProblem {
  const text = shown(String(value));
  return {
    severity: 'error',
    key,
    value: text,
    allowed,
    message: `${key} is "${text}"; allowed is ${allowed}.`,
  };
}

/** The problems that forbid the machine, as the error a person sees; undefined when there is none. */
export function problemsToError(problems: readonly ModelProblem[]): KameError | undefined {
  const errors = problems.filter((problem) => problem.severity === 'error');
  const [first] = errors;
  if (!first) return undefined;
  const message = errors.map((problem) => problem.message).join(' ');
  return new KameError('INVALID_VALUE', message, { details: { key: first.key, value: first.value } });
}

/** @throws KameError INVALID_VALUE naming every key that is wrong */
export function refuseProblems(problems: readonly ModelProblem[]): void {
  const error = problemsToError(problems);
  if (error) throw error;
}
