import type { ExecRequest } from '../../api/messages.ts';
import type { Deadline } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import { formatDuration } from '../../core/units.ts';
import { within } from '../../guest/agent/wait.ts';
import type { ToolsCommand } from '../../guest/tools/messages.ts';
import type { ToolsStream } from '../../guest/tools/stream.ts';
import type { Running } from '../host/running.ts';
import type { CommandControls, CommandEnd, ExecStreams } from './exec-streams.ts';
import { toolsMissing } from './tools-state.ts';

/** Milliseconds that a guest under load may take to begin a command. */
const startMs = 30_000;

/** A command for kame-tools. @throws KameError INVALID_VALUE for what no command can have */
export function commandOf(request: Omit<ExecRequest, 'timeoutMs'>): ToolsCommand {
  const { command, env = {}, cwd, user, terminal, stdin, script } = request;
  for (const name of Object.keys(env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/u.test(name))
      throw new KameError('INVALID_VALUE', `"${name}" is not a valid name for an environment variable.`);
  }
  if (command[0] === '') throw new KameError('INVALID_VALUE', 'The command is empty.');
  for (const text of [
    ...command,
    ...Object.values(env),
    ...(script?.arguments ?? []),
    cwd ?? '',
    user ?? '',
  ]) {
    if (text.includes('\0'))
      throw new KameError('INVALID_VALUE', 'A command cannot contain a NUL character.');
  }
  return {
    command,
    env,
    stdin,
    ...(cwd === undefined ? {} : { cwd }),
    ...(user === undefined ? {} : { user }),
    ...(terminal === undefined ? {} : { terminal }),
    ...(script === undefined ? {} : { script }),
  };
}

async function feed(stream: ToolsStream, stdin: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of stdin) {
    await stream.write(chunk);
    if (!stream.takesInput) return;
  }
  await stream.endInput();
}

/** Ends the command when the time is up or the signal fires, until it is disposed. */
function limit(stream: ToolsStream, request: ExecRequest, { leftMs, signal }: Deadline): Disposable {
  const [name = 'The shell'] = request.command;
  const { timeoutMs } = request;
  const cancel = () => void stream.cancel(new KameError('CANCELLED', `${name} was cancelled.`));
  const words = `${name} did not finish within ${formatDuration(timeoutMs ?? 0)} in the guest and was killed.`;
  const late = () => new KameError('GUEST_TIMEOUT', words, { details: { timeoutMs: timeoutMs ?? 0 } });
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => void stream.cancel(late()), leftMs);
  signal.addEventListener('abort', cancel);
  if (signal.aborted) cancel();
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
    },
  };
}

/**
 * Waits until the guest has begun a command. The engine reports at most once a second whether a program has the port open, so
 * one that was started again may have taken the place of another unseen: it does not know the connection, and never answers.
 * @throws KameError GUEST_TOOLS_MISSING when it does not begin, or how the command has failed
 */
async function begun(machine: Running, stream: ToolsStream): Promise<void> {
  await within(stream.started, {
    ms: startMs,
    what: 'The start of the command',
    onTimeout: () => {
      machine.channels.tools.disconnect();
      return toolsMissing(machine, 'This command');
    },
  });
}

/**
 * Runs a command through kame-tools.
 * @param deadline when the command must have ended
 * @throws KameError GUEST_TOOLS_MISSING before the command has begun, GUEST_FAILED, GUEST_TIMEOUT, CANCELLED, INVALID_VALUE
 */
export async function executeByTools(
  machine: Running,
  request: ExecRequest,
  { stdin, onOutput, onStarted }: ExecStreams,
  deadline: Deadline,
): Promise<CommandEnd> {
  const stream = await machine.channels.tools.exec(commandOf(request), onOutput, deadline.step(Infinity));
  using _limit = limit(stream, request, deadline);
  const controls: CommandControls = {
    signal: (number) => void stream.signal(number),
    resize: (size) => void stream.resize(size),
  };
  onStarted?.('tools', controls);
  // What it fails by is also how the command ends.
  if (stdin) void feed(stream, stdin).catch((error: unknown) => void stream.cancel(error));
  await begun(machine, stream);
  return await stream.result;
}
