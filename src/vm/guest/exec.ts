import type { ExecRequest } from '../../api/messages.ts';
import { Deadline, poll } from '../../core/deadline.ts';
import type { KameError } from '../../core/errors.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { runningMachine } from '../host/state.ts';
import { executeByAgent } from './exec-by-agent.ts';
import { executeByTools } from './exec-by-tools.ts';
import type { CommandEnd, ExecStreams } from './exec-streams.ts';
import { answeringTools, hasToolsPort, refuseWithoutAgent, toolsMissing } from './tools-state.ts';

/** Milliseconds that kame-tools have to begin when a command needs them: a guest that has just booted starts them late. */
const beginMs = 5000;

/** What of a request the guest agent cannot do, in the words of a message; undefined if it can do all. */
function beyondAgent({ command, terminal, user, cwd }: ExecRequest): string | undefined {
  if (command.length === 0) return 'A login shell';
  if (terminal !== undefined) return 'A terminal';
  if (user !== undefined) return 'Another user';
  return cwd === undefined ? undefined : 'A working directory';
}

/** Whether kame-tools begin to answer within their time. */
async function toolsBegin(machine: Running, { leftMs, progress }: Deadline): Promise<boolean> {
  const deadline = new Deadline(Math.min(beginMs, leftMs), progress);
  const look = async () => await answeringTools(machine, deadline);
  return (await poll(look, deadline.step(beginMs))) !== undefined;
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
  const note = ({ message }: KameError) => host.log('kame-tools', { machine: machine.name, reason: message });
  if (await answeringTools(machine, deadline, note))
    return await executeByTools(machine, request, streams, deadline);
  const wish = beyondAgent(request);
  if (wish === undefined) {
    refuseWithoutAgent(machine);
    return await executeByAgent(machine, request, streams, deadline);
  }
  if (hasToolsPort(machine) && (await toolsBegin(machine, deadline)))
    return await executeByTools(machine, request, streams, deadline);
  throw toolsMissing(machine, wish);
}
