import { pause, poll, settledWithin, type Deadline } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import { formatDuration } from '../../core/units.ts';
import { assetText } from '../../sys/assets.ts';
import type { AgentConnection } from './connection.ts';
import { integerOf, objectOf } from './reply.ts';
import { cancelled, type CallOptions } from './wait.ts';

// A program that the guest agent runs, without its output: guest-exec and guest-exec-status.

/** A program, and when to end it if it does not end by itself. */
export interface ProcessLimits {
  readonly path: string;
  readonly timeoutMs?: number;
  readonly deadline: Deadline;
}

interface Status {
  readonly exited: boolean;
  readonly exitCode: number | null;
  readonly signal: number | null;
  readonly reply: Readonly<Record<string, unknown>>;
}

const firstPauseMs = 4;
const longestPauseMs = 250;
/** Milliseconds for one call. Generous, because a guest may be under load; the whole command has its own timeout. */
export const callMs = 30_000;
/** Short, because a guest in which a program must be killed may not respond at all. */
export const killOptions: CallOptions = { deadlineMs: 5000 };
/** Milliseconds that a program has to end after SIGTERM. */
const killGraceMs = 1000;
/** Milliseconds to wait for the end of a program that is killed; the guest may no longer respond. */
const killWaitMs = 2000;

/** Starts a program in the guest. @returns its process id */
export async function spawn(
  connection: AgentConnection,
  args: object,
  options: CallOptions,
): Promise<number> {
  const reply = await connection.call('guest-exec', args, options);
  return integerOf(objectOf(reply, 'guest-exec')['pid'], 'guest-exec', 'pid');
}

async function status(connection: AgentConnection, pid: number, options: CallOptions): Promise<Status> {
  const command = 'guest-exec-status';
  const reply = objectOf(await connection.call(command, { pid }, options), command);
  const number = (key: string): number | null =>
    typeof reply[key] === 'number' ? integerOf(reply[key], command, key) : null;
  return { exited: reply['exited'] === true, exitCode: number('exitcode'), signal: number('signal'), reply };
}

/** Waits for the end of a command, without its output, so that the agent releases it. Returns false at the deadline. */
export async function reap(connection: AgentConnection, pid: number): Promise<boolean> {
  const ended = async () => ((await status(connection, pid, killOptions)).exited ? true : undefined);
  const steps = { stepMs: firstPauseMs, maxStepMs: longestPauseMs };
  return (await poll(ended, { deadlineMs: killGraceMs, ...steps })) ?? false;
}

/**
 * Ends a command and, if the guest has setsid, its children: first with SIGTERM, then with SIGKILL.
 * @returns whether it has ended
 */
async function kill(connection: AgentConnection, pid: number): Promise<boolean> {
  const script = assetText('guest/agent/kill.sh');
  for (const name of ['TERM', 'KILL']) {
    const killer = { path: '/bin/sh', arg: ['-c', script, 'sh', name, String(pid)] };
    await reap(connection, await spawn(connection, killer, killOptions));
    if (await reap(connection, pid)) return true;
  }
  return false;
}

/**
 * Kills a command. Waits for its end only if the agent responds, and then for a moment: a silent guest must not hold up the
 * caller.
 * @returns whether it has ended
 */
async function killSoon(connection: AgentConnection, pid: number, responds: boolean): Promise<boolean> {
  let killed = false;
  const ending = kill(connection, pid).then((ended) => (killed = ended));
  ending.catch(() => undefined);
  if (responds) await settledWithin(ending, killWaitMs);
  return killed;
}

export interface FollowOptions extends ProcessLimits {
  /** Maximum size of the status, in bytes, if it contains output. */
  readonly maxBytes?: number;
}

/**
 * Calls `look` with the status of a command until the command has ended: immediately while `look` returns `again`,
 * otherwise after a growing pause. If this ends for any other reason, the command is killed.
 * @throws KameError GUEST_TIMEOUT, CANCELLED, or any error of `look`
 */
export async function follow(
  connection: AgentConnection,
  pid: number,
  limits: FollowOptions,
  look: (status: Status) => Promise<'again' | 'later'>,
): Promise<Status> {
  const { deadline, maxBytes } = limits;
  let wait = firstPauseMs;
  let [ended, responds] = [false, true];
  try {
    for (;;) {
      if (deadline.signal.aborted) throw cancelled(limits.path);
      if (deadline.leftMs <= 0) throw new KameError('GUEST_TIMEOUT', `${limits.path} is late.`);
      responds = false;
      const now = await status(connection, pid, {
        ...deadline.step(callMs),
        ...(maxBytes ? { maxBytes } : {}),
      });
      ended = now.exited;
      const news = await look(now);
      responds = true;
      if (ended) return now;
      wait = news === 'again' ? firstPauseMs : Math.min(wait * 2, longestPauseMs);
      if (news === 'later') await pause(Math.min(wait, Math.max(1, deadline.leftMs)), deadline.signal);
    }
  } catch (error) {
    // Best effort: the original error matters more than a guest that does not respond.
    const killed = ended || (await killSoon(connection, pid, responds));
    throw lateError(error, limits, killed ? 'was killed' : 'may still be running');
  }
}

/** The error to report: when the time of the whole command is up, that is the reason, whichever call met the deadline. */
export function lateError(error: unknown, limits: ProcessLimits, end?: string): unknown {
  const { deadline } = limits;
  if (deadline.leftMs > 0 || deadline.signal.aborted || isOverdue(error)) return error;
  return overdue(limits, end);
}

function overdue({ path, timeoutMs = 0 }: ProcessLimits, end?: string): KameError {
  const told = end === undefined ? '' : ` and ${end}`;
  return new KameError(
    'GUEST_TIMEOUT',
    `${path} did not finish within ${formatDuration(timeoutMs)} in the guest${told}.`,
    {
      details: { timeoutMs },
    },
  );
}

function isOverdue(error: unknown): boolean {
  return error instanceof KameError && error.details['timeoutMs'] !== undefined;
}
