import { KameError, messageOf } from '../../core/errors.ts';
import { assetText } from '../../sys/assets.ts';
import type { GuestAgent } from '../agent/agent.ts';
import type { CallOptions } from '../agent/wait.ts';

/** What of the agent is needed to set the clock. */
export type ClockAgent = Pick<GuestAgent, 'time' | 'setTime' | 'exec'>;

export interface ClockReport {
  readonly result: 'ok' | 'failed';
  /** Whether the clock was right already, or who set it; `nobody` when it stayed wrong. */
  readonly by: 'kept' | 'agent' | 'date' | 'nobody';
  readonly reason?: string;
  /** Guest's time less the host's at the end, in milliseconds; absent when the agent does not tell the time. */
  readonly offsetMs?: number;
}

export interface ClockOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds for each answer of the agent. */
  readonly deadlineMs?: number;
}

/** A clock is right within this, in milliseconds; the time that it takes to ask is a part of it. */
export const toleranceMs = 200;
/**
 * A clock that is off by more than this is wrong, in milliseconds. Less than a second, and more than a guest is off that
 * has read a hardware clock of whole seconds as it booted, or whose processors had to wait while its clock was set.
 */
export const wrongMs = 700;
/** A question that took longer is asked again. */
const quickMs = 50;
const looks = 3;
const usualDeadlineMs = 30_000;
/** From a request to the start of the program in the guest, in milliseconds, before it is known better. */
const firstLeadMs = 60;
const dateAttempts = 3;

export interface Look {
  /** Guest's time less the host's, in milliseconds. */
  readonly offsetMs: number;
  /** How far that may be from the truth: half of the round trip. */
  readonly errorMs: number;
}

/** Whether somebody is there, but does not do what was asked for. */
export function isRefusal(error: unknown): error is KameError {
  if (!(error instanceof KameError)) return false;
  const unknown = error.code === 'GUEST_AGENT_MISSING' && error.details['command'] !== undefined;
  return unknown || error.code === 'GUEST_FAILED';
}

function callOptions({ signal, deadlineMs = usualDeadlineMs }: ClockOptions): CallOptions {
  return { deadlineMs, ...(signal ? { signal } : {}) };
}

async function lookOnce(agent: Pick<ClockAgent, 'time'>, options: ClockOptions): Promise<Look> {
  const asked = performance.now();
  const guest = await agent.time(callOptions(options));
  const errorMs = (performance.now() - asked) / 2;
  return { offsetMs: guest.getTime() - (Date.now() - errorMs), errorMs };
}

/**
 * The best of a few looks at the guest's clock; undefined when the agent does not tell the time.
 * @throws KameError GUEST_AGENT_MISSING, GUEST_TIMEOUT, CANCELLED
 */
export async function lookAtClock(
  agent: Pick<ClockAgent, 'time'>,
  options: ClockOptions = {},
): Promise<Look | undefined> {
  try {
    let best = await lookOnce(agent, options);
    for (let count = 1; count < looks && best.errorMs > quickMs / 2; count += 1) {
      const next = await lookOnce(agent, options);
      if (next.errorMs < best.errorMs) best = next;
    }
    return best;
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

function isRight({ offsetMs, errorMs }: Look): boolean {
  return Math.abs(offsetMs) + errorMs <= toleranceMs;
}

/** Whether a clock is wrong, however long it took to ask. */
export function isSurelyWrong({ offsetMs, errorMs }: Look): boolean {
  return Math.abs(offsetMs) - errorMs > wrongMs;
}

function right(by: ClockReport['by'], at?: Look): ClockReport {
  return { result: 'ok', by, ...(at ? { offsetMs: Math.round(at.offsetMs) } : {}) };
}

/** What the agent refused, if it did. */
async function byAgent(
  agent: ClockAgent,
  leadMs: number,
  options: ClockOptions,
): Promise<string | undefined> {
  try {
    await agent.setTime(new Date(Date.now() + leadMs), callOptions(options));
    return undefined;
  } catch (error) {
    if (isRefusal(error)) return messageOf(error);
    throw error;
  }
}

/** Runs `date`, with the fraction of a second where it takes one. How long it takes to start is learned on the way. */
async function byDate(agent: ClockAgent, options: ClockOptions): Promise<Look | undefined> {
  const script = assetText('guest/identity/set-date.sh');
  let leadMs = firstLeadMs;
  let at: Look | undefined;
  for (let attempt = 0; attempt < dateAttempts; attempt += 1) {
    const seconds = ((Date.now() + leadMs) / 1000).toFixed(3);
    try {
      await agent.exec({
        path: '/bin/sh',
        args: ['-c', script, 'sh', seconds],
        timeoutMs: usualDeadlineMs,
        ...(options.signal ? { signal: options.signal } : {}),
      });
    } catch (error) {
      if (isRefusal(error)) return at;
      throw error;
    }
    at = await lookAtClock(agent, options);
    if (at === undefined || isRight(at)) return at;
    leadMs -= at.offsetMs;
  }
  return at;
}

/**
 * Sets the guest's clock to the host's unless it is right within 0.2 s, as after a resume or a revert. On a busy host
 * the guest may not get nearer than some tenths of a second: that is a failure only if it is wrong. The clock is set
 * when the agent reads the request; the answer may come up to a second later, since util-linux's hwclock waits for a
 * whole second. An agent that has no hwclock refuses (qga/commands-posix.c): then `date` does it. One that sets the
 * time and complains of its hwclock afterwards has done what was asked for.
 * @throws KameError GUEST_AGENT_MISSING, GUEST_TIMEOUT, CANCELLED; a clock that can't be set is in the report
 */
export async function setClock(agent: ClockAgent, options: ClockOptions = {}): Promise<ClockReport> {
  const before = await lookAtClock(agent, options);
  if (before && isRight(before)) return right('kept', before);
  const refused = await byAgent(agent, before?.errorMs ?? 0, options);
  let at = await lookAtClock(agent, options);
  if (at === undefined && refused === undefined) return right('agent');
  if (at && isRight(at)) return right('agent', at);
  const byProgram = await byDate(agent, options);
  at = byProgram ?? at;
  if (at && !isSurelyWrong(at)) return right(byProgram ? 'date' : 'agent', at);
  const offset = at ? { offsetMs: Math.round(at.offsetMs) } : {};
  const reason = refused ?? `it is ${Math.round(at?.offsetMs ?? 0)} ms from the host's after it was set`;
  return { result: 'failed', by: 'nobody', reason, ...offset };
}
