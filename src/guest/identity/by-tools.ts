import { KameError, messageOf } from '../../core/errors.ts';
import { isObject } from '../agent/reply.ts';
import type { ToolsOperation } from '../tools/messages.ts';
import type { GuestTools } from '../tools/tools.ts';
import { toleranceMs } from './clock.ts';
import type { HostKey } from './host-keys.ts';
import { keyStepNames } from './keys-script.ts';
import { identityDeadlineMs, type ChangedNames, type IdentityLimits, type NameValues } from './names.ts';
import { allSteps, maxReportBytes, readSteps, type IdentityStep } from './report.ts';
import { identityStepNames } from './script.ts';

/** What of kame-tools is needed. */
export type OperatingTools = Pick<GuestTools, 'operate'>;

interface Reply {
  readonly steps: readonly IdentityStep[];
  readonly report: string;
  /** The time of the guest; undefined when it did not tell. */
  readonly now: number | undefined;
}

/** @throws KameError GUEST_FAILED when it is malformed */
function readReply(reply: unknown, names: readonly string[]): Reply {
  const { report, now } = isObject(reply) ? reply : {};
  if (typeof report !== 'string' || report.length > maxReportBytes)
    throw new KameError('GUEST_FAILED', 'The kame-tools of the guest sent a report that cannot be read.');
  return { steps: readSteps(report, names), report, now: typeof now === 'number' ? now : undefined };
}

/** The reply to an operation; undefined if these tools do not know it, or are gone: then somebody else may do it. */
async function ask(
  tools: OperatingTools,
  operation: ToolsOperation,
  names: readonly string[],
  { signal }: IdentityLimits,
): Promise<Reply | undefined> {
  try {
    const limits = { deadlineMs: identityDeadlineMs, ...(signal ? { signal } : {}) };
    return readReply(await tools.operate(operation, limits), names);
  } catch (error) {
    if (!(error instanceof KameError)) throw error;
    if (error.code === 'GUEST_TOOLS_MISSING' || error.code === 'GUEST_FAILED') return undefined;
    // It may still be at it: nobody else begins.
    if (error.code === 'GUEST_TIMEOUT')
      return { steps: allSteps(names, 'failed', messageOf(error)), report: '', now: undefined };
    throw error;
  }
}

/**
 * Gives the guest new names by kame-tools, which start no programs for it but the guest's DHCP clients.
 * @returns undefined when these tools cannot do it
 * @throws KameError CANCELLED
 */
export async function namesByTools(
  tools: OperatingTools,
  { setsClock, ...values }: NameValues,
  limits: IdentityLimits,
): Promise<ChangedNames | undefined> {
  const sent = Date.now();
  const operation = { operation: 'identity', ...values, now: setsClock ? sent : null };
  const reply = await ask(tools, operation, identityStepNames(values.cards.length), limits);
  if (!reply) return undefined;
  const received = Date.now();
  limits.onText?.(reply.report);
  const { steps, now = Number.NaN } = reply;
  const isSet = steps.some(({ name, result }) => name === 'clock' && result === 'ok');
  // It was set to the moment of the request, some time later.
  const isQuick = received - sent <= toleranceMs;
  const agrees = now >= sent && now <= received + toleranceMs;
  return { steps, clockIsRight: isSet && isQuick && agrees };
}

/**
 * Has kame-tools do now what `leaseWithin` lets them do later.
 * @throws KameError GUEST_TOOLS_MISSING, GUEST_FAILED, GUEST_TIMEOUT; they do it nevertheless, at the end of that time
 */
export async function renewLeases(tools: OperatingTools): Promise<void> {
  await tools.operate({ operation: 'renewLeases' }, { deadlineMs: identityDeadlineMs });
}

/**
 * Gives the guest new SSH host keys by kame-tools.
 * @returns undefined when these tools cannot do it
 * @throws KameError CANCELLED
 */
export async function keysByTools(
  tools: OperatingTools,
  keys: readonly HostKey[],
  limits: IdentityLimits,
): Promise<readonly IdentityStep[] | undefined> {
  const entries = keys.map(({ type, privateKey, publicKey }) => ({ type, privateKey, publicKey }));
  const reply = await ask(tools, { operation: 'hostKeys', keys: entries }, keyStepNames(keys), limits);
  return reply?.steps;
}
