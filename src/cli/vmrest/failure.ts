import type * as z from 'zod';
import type { ErrorCode } from '../../core/error-kinds.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import type { ErrorModel } from './schemas.ts';

/** Numbers of VIX, as far as vmrest is known to use them; 100 is vmrest’s own. */
const codes = {
  success: 0,
  failed: 1,
  busy: 5,
  unsupported: 6,
  diskFull: 8,
  cancelled: 10,
  alreadyExists: 23,
  noSuchObject: 25,
  tooBig: 44,
  invalidParameter: 100,
  notRunning: 3006,
  running: 3007,
  notPermitted: 3014,
  noTools: 3016,
  noSuchMachine: 4000,
  brokenMachine: 4002,
} as const;

/** What vmrest answers when it refuses or fails. */
export class VmrestError extends Error {
  readonly status: number;
  readonly code: keyof typeof codes;

  constructor(status: number, code: keyof typeof codes, message: string) {
    super(message);
    this.name = 'VmrestError';
    this.status = status;
    this.code = code;
  }
}

/** A 400 for one parameter, in vmrest’s words. @param name of the parameter */
export function invalid(name: string, why = ''): VmrestError {
  const more = why === '' ? '' : `. ${why}`;
  return new VmrestError(400, 'invalidParameter', `One of the parameters was invalid: ${name}${more}`);
}

/** The first thing that is wrong with a body. @param whole the name of the body itself */
export function invalidBody({ issues }: z.ZodError, whole: string): VmrestError {
  const [issue] = issues;
  const path = issue?.path.join('.') ?? '';
  return invalid(path === '' ? whole : path);
}

/** The answer of a change that has nothing else to say. */
export const succeeded: ErrorModel = { Code: codes.success, Message: 'The operation was successful' };

const known: Partial<Record<ErrorCode, keyof typeof codes>> = {
  USAGE: 'invalidParameter',
  INVALID_NAME: 'invalidParameter',
  INVALID_VALUE: 'invalidParameter',
  NO_SUCH_MACHINE: 'noSuchMachine',
  NO_SUCH_NIC: 'noSuchObject',
  NO_SUCH_SHARE: 'noSuchObject',
  NO_SUCH_NETWORK: 'noSuchObject',
  ALREADY_EXISTS: 'alreadyExists',
  BROKEN_MACHINE: 'brokenMachine',
  BUSY: 'busy',
  OUTSIDE_FILES: 'notPermitted',
  GUEST_AGENT_MISSING: 'noTools',
  GUEST_TOOLS_MISSING: 'noTools',
  DISK_FULL: 'diskFull',
  CANCELLED: 'cancelled',
};

function codeOf({ code, details }: KameError): keyof typeof codes {
  if (code !== 'WRONG_STATE') return known[code] ?? 'failed';
  const { state } = details;
  if (state === undefined) return 'failed';
  return state === 'running' || state === 'paused' ? 'running' : 'notRunning';
}

/** The statuses of refusals that vmrest knows; what is wrong with an image is a bad parameter, all else a 500. */
function statusOf({ kind }: KameError): number {
  if ([400, 401, 403, 404, 409].includes(kind.http)) return kind.http;
  return kind.http === 422 ? 400 : 500;
}

/** The status and the body of the answer to a failure: Kame’s own words, with what to do next. */
export function failureOf(error: unknown): { readonly status: number; readonly body: ErrorModel } {
  if (error instanceof VmrestError)
    return { status: error.status, body: { Code: codes[error.code], Message: error.message } };
  const failure = error instanceof KameError ? error : new KameError('INTERNAL', messageOf(error));
  const message = [failure.message, failure.next].filter((part) => part !== '').join(' ');
  return { status: statusOf(failure), body: { Code: codes[codeOf(failure)], Message: message } };
}
