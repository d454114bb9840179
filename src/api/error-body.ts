import { KameError, messageOf } from '../core/errors.ts';
import type { ErrorBody } from './messages.ts';

/** Converts any thrown value to the body that the API sends. */
export function errorToBody(error: unknown): ErrorBody {
  const known =
    error instanceof KameError ? error : new KameError('INTERNAL', messageOf(error), { cause: error });
  return { code: known.code, message: known.message, next: known.next, details: { ...known.details } };
}
