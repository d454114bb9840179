import type { ExecRequest } from '../../api/messages.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { runningMachine } from '../host/state.ts';
import { executeByAgent } from './exec-by-agent.ts';
import { executeByTools } from './exec-by-tools.ts';
import type { CommandEnd, ExecStreams } from './exec-streams.ts';
import { findTools, refuseWithoutAgent, toolsMissing } from './tools-state.ts';

/** @throws KameError GUEST_TOOLS_MISSING for what the guest agent cannot do */
function refuseWithoutTools(machine: Running, { command, terminal, user, cwd }: ExecRequest): void {
  const wishes = [
    terminal === undefined ? '' : 'A terminal',
    command.length === 0 ? 'A login shell' : '',
    user === undefined ? '' : 'Another user',
    cwd === undefined ? '' : 'A working directory',
  ].filter((wish) => wish !== '');
  if (wishes[0] !== undefined) throw toolsMissing(machine, wishes[0]);
}

/** Whether kame-tools answer. Those that do not are left alone: the guest agent may. */
async function toolsAnswer(host: Host, machine: Running): Promise<boolean> {
  try {
    return (await findTools(machine)) !== undefined;
  } catch (error) {
    if (!(error instanceof KameError) || error.code !== 'GUEST_TOOLS_MISSING') throw error;
    host.log('kame-tools', { machine: machine.name, reason: messageOf(error) });
    return false;
  }
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
  if (await toolsAnswer(host, machine)) return await executeByTools(machine, request, streams);
  refuseWithoutTools(machine, request);
  refuseWithoutAgent(machine);
  return await executeByAgent(machine, request, streams);
}
