import { Deadline, poll } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import type { ToolsHello } from '../../guest/tools/messages.ts';
import { toolsPort } from '../../qemu/plan/channels.ts';
import type { Host } from '../host/host.ts';
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

/** How kame-tools fail that are of no use. */
const useless: ReadonlySet<string> = new Set(['GUEST_TOOLS_MISSING', 'GUEST_FAILED']);

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
 * What kame-tools in the guest say about themselves; undefined if no program has opened their port, or if it does not answer or
 * does not keep to the protocol: what comes next may be a better one, and the guest agent may answer.
 * @param note told why a program that has opened the port is no use
 * @throws KameError WRONG_STATE when the machine is paused, CANCELLED, ENGINE_*
 */
export async function answeringTools(
  machine: Running,
  deadline: Deadline,
  note: (reason: KameError) => void = () => undefined,
): Promise<ToolsHello | undefined> {
  refusePaused(machine);
  if (!(await portIsOpen(machine, toolsPort))) return undefined;
  try {
    return await machine.channels.tools.hello(deadline.step(Infinity));
  } catch (error) {
    if (!(error instanceof KameError) || !useless.has(error.code)) throw error;
    note(error);
    return undefined;
  }
}

/**
 * Refuses kame-tools of a version that only runs commands.
 * @param wish what needs more, such as `A script`
 * @throws KameError GUEST_TOOLS_MISSING
 */
export function refuseOlderTools({ name }: Running, { services, program }: ToolsHello, wish: string): void {
  if (services.includes('operate')) return;
  throw new KameError(
    'GUEST_TOOLS_MISSING',
    `${wish} needs newer kame-tools than those in ${name}, which are of version ${program} and only run commands.`,
    { next: `kame tools install ${name} updates them.`, details: { machine: name } },
  );
}

/** Milliseconds that kame-tools have to begin when they are needed: a guest that has just booted starts them late. */
const beginMs = 5000;

/**
 * Waits for kame-tools, which must do something that nothing else can.
 * @param wish what needs them, such as `A terminal`
 * @throws KameError GUEST_TOOLS_MISSING when they do not begin to answer, and as `answeringTools`
 */
async function requiredTools(
  machine: Running,
  wish: string,
  { leftMs, progress }: Deadline,
): Promise<ToolsHello> {
  if (!hasToolsPort(machine)) throw toolsMissing(machine, wish);
  const deadline = new Deadline(Math.min(beginMs, leftMs), progress);
  const hello = await poll(async () => await answeringTools(machine, deadline), deadline.step(beginMs));
  if (!hello) throw toolsMissing(machine, wish);
  return hello;
}

/**
 * Which of the two in the guest is to do something: kame-tools where they answer, else the guest agent if it can.
 * @param wish what only kame-tools can do, such as `A terminal`; they are waited for
 * @returns what kame-tools say about themselves; undefined if it is up to the guest agent, which answers
 * @throws KameError WRONG_STATE when the machine is paused, GUEST_TOOLS_MISSING, GUEST_AGENT_MISSING, CANCELLED, ENGINE_*
 */
export async function toolsOrAgent(
  host: Host,
  machine: Running,
  wish: string | undefined,
  deadline: Deadline,
): Promise<ToolsHello | undefined> {
  const note = ({ message }: KameError) => host.log('kame-tools', { machine: machine.name, reason: message });
  const hello = await answeringTools(machine, deadline, note);
  if (hello) return hello;
  if (wish !== undefined) return await requiredTools(machine, wish, deadline);
  refuseWithoutAgent(machine);
  return undefined;
}
