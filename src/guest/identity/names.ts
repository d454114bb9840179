import type { IdentityStep } from './report.ts';
import type { IdentityValues } from './script.ts';

/** What a guest gets that is not secret. */
export type NameValues = Omit<IdentityValues, 'now' | 'root'> & {
  /** Whether the clock is set to the host's. */
  readonly setsClock: boolean;
  /** Milliseconds until kame-tools have the guest ask for addresses, unless `renewLeases` tells them to before. */
  readonly leaseWithin: number;
};

/** What has been done of the names. */
export interface ChangedNames {
  /** In the order of `identityStepNames`. */
  readonly steps: readonly IdentityStep[];
  /** Whether the clock is known to be right now. */
  readonly clockIsRight: boolean;
}

export interface IdentityLimits {
  readonly signal: AbortSignal | undefined;
  /** Called with all of the report that has come so far. */
  readonly onText?: (text: string) => void;
}

/** How long the guest may take, in milliseconds. */
export const identityDeadlineMs = 30_000;
