import type { ErrorCode } from '../../../src/core/error-kinds.ts';
import { KameError, messageOf } from '../../../src/core/errors.ts';

/** An error as a person reads it: what happened, and what to do. */
export interface Trouble {
  readonly message: string;
  readonly next: string;
  /** Which kind it is, and which machine it is about, if that is known. */
  readonly code?: ErrorCode;
  readonly machine?: string | undefined;
  /** The advice is that of all errors of its kind. */
  readonly isUsualNext?: boolean;
}

/** An error in the words of a page: advice to use an option of a command is left as it is. */
export function troubleOf(error: unknown): Trouble {
  const message = messageOf(error);
  if (!(error instanceof KameError)) return { message, next: '' };
  const { code, next, kind, details } = error;
  const machine = details['machine'];
  return {
    message,
    next,
    code,
    isUsualNext: next === kind.next,
    machine: typeof machine === 'string' ? machine : undefined,
  };
}
