import { KameError, messageOf } from '../core/errors.ts';
import { withQuotedName } from '../core/shell-word.ts';
import type { ErrorBody } from './messages.ts';

/** Converts any thrown value to the body that the API sends. */
export function errorToBody(error: unknown): ErrorBody {
  const known =
    error instanceof KameError ? error : new KameError('INTERNAL', messageOf(error), { cause: error });
  const { code, message, details } = known;
  const { machine } = details;
  const next = typeof machine === 'string' ? withQuotedName(known.next, machine) : known.next;
  return { code, message, next, details: { ...details } };
}
