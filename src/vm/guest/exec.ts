import type { ExecRequest } from '../../api/messages.ts';
import { Deadline } from '../../core/deadline.ts';
import type { Host } from '../host/host.ts';
import { runningMachine } from '../host/state.ts';
import { executeByAgent } from './exec-by-agent.ts';
import { executeByTools } from './exec-by-tools.ts';
import type { CommandEnd, ExecStreams } from './exec-streams.ts';
import { refuseOlderTools, toolsOrAgent } from './tools-state.ts';

/** What of a request the guest agent cannot do, in the words of a message; undefined if it can do all. */
export function beyondAgent({
  command,
  terminal,
  user,
  cwd,
}: Pick<ExecRequest, 'command' | 'terminal' | 'user' | 'cwd'>): string | undefined {
  if (command.length === 0) return 'A login shell';
  if (terminal !== undefined) return 'A terminal';
  if (user !== undefined) return 'Another user';
  return cwd === undefined ? undefined : 'A working directory';
}

/**
 * Runs a command in the guest and streams its output: through kame-tools where they answer, else through the guest agent.
 * @throws KameError WRONG_STATE, GUEST_AGENT_MISSING, GUEST_TOOLS_MISSING, GUEST_TIMEOUT, GUEST_FAILED, CANCELLED, INVALID_VALUE
 */
export async function execute(
  host: Host,
  reference: string,
  request: ExecRequest,
  streams: ExecStreams,
): Promise<CommandEnd> {
  const machine = await runningMachine(host, reference);
  const { signal, report = () => undefined } = streams;
  const deadline = new Deadline(request.timeoutMs ?? Infinity, { signal, report });
  const hello = await toolsOrAgent(host, machine, beyondAgent(request), deadline);
  if (!hello) return await executeByAgent(machine, request, streams, deadline);
  if (request.script !== undefined) refuseOlderTools(machine, hello, 'A script');
  return await executeByTools(machine, request, streams, deadline);
}
