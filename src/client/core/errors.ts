import { errorKinds, type ErrorCode } from '../../core/error-kinds.ts';
import { KameError } from '../../core/errors.ts';

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** The error that the daemon sent. A malformed body or an unknown code becomes INTERNAL. */
export function errorFromBody(body: unknown, status?: number): KameError {
  if (!isRecord(body) || typeof body['message'] !== 'string' || typeof body['code'] !== 'string') {
    const about = status === undefined ? '' : ` with HTTP status ${status}`;
    return new KameError('INTERNAL', `The daemon reported an error${about}, but gave no reason.`);
  }
  const code = body['code'];
  const known = Object.hasOwn(errorKinds, code) ? (code as ErrorCode) : 'INTERNAL';
  const details: Record<string, string | number | boolean> = {};
  if (isRecord(body['details'])) {
    for (const [key, value] of Object.entries(body['details'])) {
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
        details[key] = value;
    }
  }
  return new KameError(known, body['message'], {
    ...(typeof body['next'] === 'string' ? { next: body['next'] } : {}),
    details,
  });
}
