import { errorKinds, type ErrorCode, type ErrorKind } from './error-kinds.ts';

export interface KameErrorOptions {
  /** What to do next in this case; by default, the advice of the kind. */
  next?: string;
  /** Facts for programs: names, paths, numbers. */
  details?: Record<string, string | number | boolean>;
  cause?: unknown;
}

/** An error that a person can act on: a code from the list, what happened to what, and what to do next. */
export class KameError extends Error {
  readonly code: ErrorCode;
  readonly next: string;
  readonly details: Readonly<Record<string, string | number | boolean>>;

  constructor(code: ErrorCode, message: string, options: KameErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'KameError';
    this.code = code;
    this.next = options.next ?? errorKinds[code].next;
    this.details = options.details ?? {};
  }

  get kind(): ErrorKind {
    return errorKinds[this.code];
  }
}

/** The `code` of a Node system error (`ENOENT`, `ECONNREFUSED`, …), or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}

/** The message of a thrown value, which need not be an Error. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
