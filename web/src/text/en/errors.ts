import type { ErrorCode } from '../../../../src/core/error-kinds.ts';

/** What an error means and what to do. In English, that is in src/core/error-kinds.ts, from which the daemon has it. */
interface ErrorText {
  readonly when: string;
  readonly next: string;
}

export type ErrorTexts = Readonly<Record<ErrorCode, ErrorText>>;
