import { cleanText } from '../agent/reply.ts';

export interface IdentityStep {
  /** Such as `hostname`, `mac-0`, `host-key-rsa`. */
  readonly name: string;
  readonly result: 'ok' | 'skipped' | 'failed';
  /** Why it was skipped or failed; words of the guest, cleaned. */
  readonly reason?: string;
}

/** More than all that a script says. */
export const maxReportBytes = 16 * 1024;
const maxReason = 200;
const line = /^([a-z0-9-]{1,40})=(ok|skipped|failed)(?::(.*))?$/u;

function stepOf(name: string, result: string, reason: string | undefined): IdentityStep {
  const words = cleanText(reason ?? '', maxReason);
  return {
    name,
    result: result === 'ok' || result === 'skipped' ? result : 'failed',
    ...(words === '' ? {} : { reason: words }),
  };
}

/** One step of each name, all with the same result. */
export function allSteps(
  names: readonly string[],
  result: IdentityStep['result'],
  reason: string,
): IdentityStep[] {
  return names.map((name) => stepOf(name, result, reason));
}

/**
 * Reads what a script printed: `step=ok`, `step=skipped:why` or `step=failed:why`, a line each. A step of which the guest
 * said nothing has failed; what it said of others, or for a second time, is not looked at.
 * @returns the steps in the order of `names`
 */
export function readSteps(output: string, names: readonly string[]): IdentityStep[] {
  const found = new Map<string, IdentityStep>();
  for (const text of output.slice(0, maxReportBytes).split('\n')) {
    const [, name = '', result = '', reason] = line.exec(text) ?? [];
    if (names.includes(name) && !found.has(name)) found.set(name, stepOf(name, result, reason));
  }
  return names.map((name) => found.get(name) ?? stepOf(name, 'failed', 'the guest said nothing of it'));
}
