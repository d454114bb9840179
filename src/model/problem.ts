import { KameError } from '../core/errors.ts';

/** A problem in the description of a machine: the key, its value, and what is allowed. */
export interface ModelProblem {
  /**
   * `error`: the machine cannot be used as it is. `warning`: it can; for an invalid value the message says what is used
   * instead.
   */
  readonly severity: 'error' | 'warning';
  /** The .vmx key, such as `memsize` or `ethernet0.connectionType`. */
  readonly key: string;
  readonly value: string;
  /** For people: `a multiple of 4 from 64 to 1048576`. Empty if that cannot be stated. */
  readonly allowed: string;
  /** The whole problem in one sentence. */
  readonly message: string;
  /** Line in the `.vmx`, counted from 1, if known. */
  readonly line?: number;
}

/** A value for a message. Values are untrusted, so it is shortened and has no control characters. */
export function shown(value: string): string {
  const clean = value.replace(/[\p{Cc}\p{Cf}\p{Surrogate}]/gu, '\uFFFD');
  return clean.length > 80 ? `${clean.slice(0, 80)}…` : clean;
}

/** The problem of a value that is not allowed. */
export function refused(key: string, value: string | number, allowed: string): ModelProblem {
  const text = shown(String(value));
  return {
    severity: 'error',
    key,
    value: text,
    allowed,
    message: `${key} is "${text}"; it must be ${allowed}.`,
  };
}

/** Combines the problems of severity `error` into one KameError; undefined if there are none. @param next what to do */
export function problemsToError(problems: readonly ModelProblem[], next?: string): KameError | undefined {
  const errors = problems.filter((problem) => problem.severity === 'error');
  const [first] = errors;
  if (!first) return undefined;
  const message = errors.map((problem) => problem.message).join(' ');
  return new KameError('INVALID_VALUE', message, {
    ...(next === undefined ? {} : { next }),
    details: { key: first.key, value: first.value },
  });
}

/** @param next what to do. @throws KameError INVALID_VALUE naming every key with a problem of severity `error` */
export function refuseProblems(problems: readonly ModelProblem[], next?: string): void {
  const error = problemsToError(problems, next);
  if (error) throw error;
}
