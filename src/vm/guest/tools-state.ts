import { KameError } from '../../core/errors.ts';
import type { ToolsHello } from '../../guest/tools/messages.ts';
import type { ToolsLimits } from '../../guest/tools/tools.ts';
import { toolsPort } from '../../qemu/plan/channels.ts';
import type { Running } from '../host/running.ts';
import { hasPort, portIsOpen } from '../running/guest-port.ts';

/** @throws KameError WRONG_STATE when the machine is paused: nothing in its guest can answer */
function refusePaused(machine: Running): void {
  if (machine.state !== 'paused') return;
  throw new KameError('WRONG_STATE', `${machine.name} is paused, so its guest cannot answer.`, {
    next: `kame unpause ${machine.name} resumes it.`,
    details: { machine: machine.name },
  });
}

/** @throws KameError WRONG_STATE when the machine is paused, GUEST_AGENT_MISSING when the agent does not answer */
export function refuseWithoutAgent(machine: Running): void {
  refusePaused(machine);
  if (!machine.agentAnswers) {
    throw new KameError('GUEST_AGENT_MISSING', `The guest agent of ${machine.name} does not answer.`, {
      details: { machine: machine.name },
    });
  }
}

/** Whether a machine has the port for kame-tools; not if it was restored from a state of older hardware. */
export function hasToolsPort(machine: Running): boolean {
  return hasPort(machine, toolsPort);
}

/** @param wish what needs kame-tools, such as `A terminal` */
export function toolsMissing(machine: Running, wish: string): KameError {
  const { name } = machine;
  const details = { machine: name };
  if (!hasToolsPort(machine)) {
    const words = `${wish} needs kame-tools, and ${name} runs with older virtual hardware, which has no port for them.`;
    return new KameError('GUEST_TOOLS_MISSING', words, {
      next: `kame restart ${name} starts it with the present hardware.`,
      details,
    });
  }
  return new KameError('GUEST_TOOLS_MISSING', `${wish} needs kame-tools, which do not answer in ${name}.`, {
    next: `kame tools ${name} tells more, kame tools install ${name} installs them, and kame console ${name} needs nothing in the guest.`,
    details,
  });
}

/**
 * What kame-tools in the guest say about themselves; undefined if no program has opened their port.
 * @throws KameError WRONG_STATE when the machine is paused, GUEST_TOOLS_MISSING when the program does not answer, GUEST_FAILED,
 * CANCELLED
 */
export async function findTools(machine: Running, limits: ToolsLimits = {}): Promise<ToolsHello | undefined> {
  refusePaused(machine);
  return (await portIsOpen(machine, toolsPort)) ? await machine.channels.tools.hello(limits) : undefined;
}
