import { expect } from 'vitest';
import { KameError } from '../../src/core/errors.ts';

/** What a person reads of a refusal. */
export interface Refused {
  readonly code: string;
  readonly message: string;
  readonly next: string;
}

/** The error that a call ends with. */
export async function refused(work: Promise<unknown>): Promise<Refused> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof KameError)) throw new Error(`No KameError: ${String(error)}`);
  const { code, message, next } = error;
  return { code, message, next };
}

/** A text that the pattern fits, within an expected object. */
export function like(pattern: RegExp): string {
  return expect.stringMatching(pattern) as string;
}

/** The code of the KameError that a promise rejects with; otherwise what happened. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'no error';
  } catch (error) {
    return error instanceof KameError ? error.code : String(error);
  }
}
