import { pause, poll } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import { assetText } from '../../sys/assets.ts';
import type { AgentConnection } from './connection.ts';
import { integerOf, objectOf } from './reply.ts';
import { cancelled, type CallOptions } from './wait.ts';

// A program that the guest agent runs, without its output: guest-exec and guest-exec-status.

/** When to end a program that does not end by itself. */
export interface ProcessOptions {
  readonly path: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

interface Status {
  readonly exited: boolean;
  readonly exitCode: number | null;
  readonly signal: number | null;
  readonly reply: Readonly<Record<string, unknown>>;
}

const firstPauseMs = 4;
const longestPauseMs = 250;
/** Generous, because a guest may be under load; the whole command has its own timeout. */
export const callOptions: CallOptions = { deadlineMs: 30_000 };
/** Short, because a guest in which a program must be killed may not respond at all. */
export const killOptions: CallOptions = { deadlineMs: 5000 };
const killGraceMs = 3000;

/** Starts a program in the guest. @returns its process id */
export async function spawn(
  connection: AgentConnection,
  args: object,
  options: CallOptions = callOptions,
): Promise<number> {
  const reply = await connection.call('guest-exec', args, options);
  return integerOf(objectOf(reply, 'guest-exec')['pid'], 'guest-exec', 'pid');
}

async function status(
  connection: AgentConnection,
  pid: number,
  options: CallOptions = callOptions,
): Promise<Status> {
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

/** Ends a command and, if the guest has setsid, its children: first with SIGTERM, then with SIGKILL. */
async function kill(connection: AgentConnection, pid: number): Promise<void> {
  const script = assetText('guest/agent/kill.sh');
  for (const name of ['TERM', 'KILL']) {
    const killer = { path: '/bin/sh', arg: ['-c', script, 'sh', name, String(pid)] };
    await reap(connection, await spawn(connection, killer, killOptions));
    if (await reap(connection, pid)) return;
  }
}

/**
 * Calls `look` with the status of a command until the command has ended: immediately while `look` returns `again`,
 * otherwise after a growing pause. If this ends for any other reason, the command is killed.
 * @throws KameError GUEST_TIMEOUT, CANCELLED, or any error of `look`
 */
export async function follow(
  connection: AgentConnection,
  pid: number,
  options: ProcessOptions,
  look: (status: Status) => Promise<'again' | 'later'>,
): Promise<Status> {
  const end = performance.now() + (options.timeoutMs ?? Infinity);
  let wait = firstPauseMs;
  let ended = false;
  try {
    for (;;) {
      if (options.signal?.aborted === true) throw cancelled(options.path);
      if (performance.now() >= end) throw overdue(options);
      const now = await status(connection, pid);
      ended = now.exited;
      const news = await look(now);
      if (ended) return now;
      wait = news === 'again' ? firstPauseMs : Math.min(wait * 2, longestPauseMs);
      if (news === 'later') await pause(Math.min(wait, Math.max(1, end - performance.now())), options.signal);
    }
  } catch (error) {
    // Best effort: the original error matters more than a guest that does not respond.
    if (!ended) await kill(connection, pid).catch(() => undefined);
    throw error;
  }
}

function overdue({ path, timeoutMs }: ProcessOptions): KameError {
  return new KameError(
    'GUEST_TIMEOUT',
    `${path} did not finish within ${timeoutMs} ms in the guest and was killed.`,
  );
}
