import type { ErrorBody } from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import { errorFromBody } from './errors.ts';

/** What the daemon says over a WebSocket in JSON: one of several shapes, told apart by `type`. */
interface Told {
  readonly type?: unknown;
}

function parsed(message: string | Uint8Array): Told & { readonly error?: ErrorBody } {
  const text = typeof message === 'string' ? message : new TextDecoder().decode(message);
  try {
    return JSON.parse(text) as Told & { readonly error?: ErrorBody };
  } catch (error) {
    throw new KameError('INTERNAL', 'The daemon sent a message that is not JSON.', { cause: error });
  }
}

/** A message of the daemon. @throws KameError the error that it reports, INTERNAL if it is not JSON */
export function told<T>(message: string | Uint8Array): Exclude<T, { type: 'error' }> {
  const value = parsed(message);
  if (value.type === 'error' && value.error) throw errorFromBody(value.error);
  return value as Exclude<T, { type: 'error' }>;
}
