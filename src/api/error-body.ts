import { KameError, messageOf } from '../core/errors.ts';
import type { ErrorBody } from './messages.ts';

/** Anything that was thrown, as the API sends it. */
export function errorToBody(error: unknown): ErrorBody {
  const known =
    error instanceof KameError ? error : new KameError('INTERNAL', messageOf(error), { cause: error });
  return { code: known.code, message: known.message, next: known.next, details: { ...known.details } };
}
