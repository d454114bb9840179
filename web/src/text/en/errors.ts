import type { ErrorCode } from '../../../../src/core/errors.ts';

/** What an error means and what to do. In English, that is in src/core/errors.ts, from which the daemon has it. */
interface ErrorText {
  readonly when: string;
  readonly next: string;
}

export type ErrorTexts = Readonly<Record<ErrorCode, ErrorText>>;
