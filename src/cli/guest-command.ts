import { fstatSync } from 'node:fs';
import type { ExecRequest } from '../api/generated/shapes.ts';
import type { ExecEnd, ExecStreams, RunningCommand } from '../client/core/guest-channels.ts';
import type { CliContext, TerminalOutput } from './context.ts';
import type { Session } from './session.ts';

/** Runs commands in guests for exec and shell: signals, terminals and exit codes. */

/** Shells report this plus the number of the signal for a command that a signal ended. */
const signalBase = 128;
/** Numbers of signals on Linux. */
const signals = { SIGINT: 2, SIGTERM: 15 } as const;
const usualSize = { rows: 24, columns: 80 };
const largestSize = 1000;

/** Whether standard input is a pipe, a file or a socket, and not a terminal or /dev/null. */
export function isPiped({ stdinFile }: CliContext): boolean {
  if (stdinFile === undefined) return false;
  try {
    const found = fstatSync(stdinFile);
    return found.isFIFO() || found.isFile() || found.isSocket();
  } catch {
    return false;
  }
}

/** The size of a terminal, in characters; the usual one where it is not known. */
function sizeOf({ rows = 0, columns = 0 }: TerminalOutput): typeof usualSize {
  if (rows < 1 || columns < 1) return usualSize;
  return { rows: Math.min(rows, largestSize), columns: Math.min(columns, largestSize) };
}

/** The terminal that a command gets in the guest: of the size and kind of this one. */
export function terminalLike({ stdout, env }: CliContext): NonNullable<ExecRequest['terminal']> {
  return { ...sizeOf(stdout), type: (env['TERM'] ?? '').slice(0, 64) || 'xterm' };
}

/**
 * Makes this terminal raw, and tells the command its size whenever it changes, until it is disposed.
 * @param known the size that the command was started with
 */
function joinTerminals(
  { stdin, stdout }: CliContext,
  known: typeof usualSize,
  command: () => RunningCommand | undefined,
): Disposable & { readonly tell: () => void } {
  const raw = stdin.isTTY === true;
  if (raw) stdin.setRawMode?.(true);
  let { rows, columns } = known;
  const tell = () => {
    const running = command();
    const now = sizeOf(stdout);
    if (!running || (now.rows === rows && now.columns === columns)) return;
    ({ rows, columns } = now);
    running.resize(rows, columns);
  };
  stdout.on('resize', tell);
  return {
    tell,
    [Symbol.dispose]() {
      stdout.off('resize', tell);
      if (raw) stdin.setRawMode?.(false);
    },
  };
}

/**
 * Hands signals of this process on to the command, if it can be sent any; otherwise, and at the second one, the command is
 * cancelled. A hang-up always cancels.
 */
function handSignalsOn(
  { context }: Session,
  command: () => RunningCommand | undefined,
): Disposable & { readonly signal: AbortSignal } {
  const cancelled = new AbortController();
  let told = false;
  const remove: (() => void)[] = [];
  const stop = () => {
    for (const each of remove.splice(0)) each();
  };
  const cancel = () => {
    // The next signal ends the process, since nothing handles it.
    stop();
    cancelled.abort();
  };
  const on = (name: string, run: () => void) => {
    context.signals.on(name, run);
    remove.push(() => context.signals.off(name, run));
  };
  for (const [name, number] of Object.entries(signals)) {
    on(name, () => {
      const running = command();
      if (told || running?.through !== 'tools') cancel();
      else running.signal(number);
      told = true;
    });
  }
  on('SIGHUP', cancel);
  return { signal: cancelled.signal, [Symbol.dispose]: stop };
}

/** Runs a command in the guest. Its exit code becomes that of the session: 128 + n if signal n ended it. */
export async function runInGuest(
  session: Session,
  name: string,
  request: ExecRequest,
  output: ExecStreams['output'],
): Promise<ExecEnd> {
  const { context } = session;
  let command: RunningCommand | undefined;
  using interrupts = handSignalsOn(session, () => command);
  using terminals = request.terminal && joinTerminals(context, request.terminal, () => command);
  try {
    const end = await session.client.machines.exec(session.machine(name), request, {
      signal: interrupts.signal,
      waiting: (stage) => session.note(`${name}: ${stage}`),
      onStarted: (running) => {
        command = running;
        // It may have changed since the request was sent.
        terminals?.tell();
      },
      ...(request.stdin === true ? { input: context.stdin as AsyncIterable<Uint8Array> } : {}),
      output,
    });
    session.exitCode = end.signal === null ? (end.exitCode ?? 1) : signalBase + end.signal;
    return end;
  } finally {
    // A pending read would keep the process alive.
    if (request.stdin === true) context.stdin.destroy();
  }
}
