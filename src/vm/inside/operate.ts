import { Deadline } from '../../core/deadline.ts';
import type { KameError } from '../../core/errors.ts';
import { silentProgress } from '../../core/progress.ts';
import type { ToolsOperation } from '../../guest/tools/messages.ts';
import { answeringTools, refuseOlderTools, refuseWithoutAgent, requiredTools } from '../guest/tools-state.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { runningMachine } from '../host/state.ts';
import { runOperation } from './agent-script.ts';

/** Milliseconds for an operation: less than clients wait for a reply that may be slow. */
const operationMs = 120_000;

/** How an operation is done without kame-tools. */
export interface ByAgent {
  /** Its words for guest/agent/operate.sh; or what of it only kame-tools can do, in the words of a message. */
  readonly words: readonly string[] | { readonly needsTools: string };
  /** Reads what the script printed into what kame-tools would have sent. */
  readonly read: (printed: Buffer) => unknown;
}

export interface OperateOptions {
  readonly signal: AbortSignal;
  /** Who does it; other users than root need kame-tools. */
  readonly user?: string | undefined;
}

/**
 * Does an operation on files, processes or settings of a guest: by kame-tools where they answer, else by a script that the
 * guest agent runs.
 * @returns what the guest says, not checked
 * @throws KameError WRONG_STATE, GUEST_TOOLS_MISSING when they are too old or only they can do it, GUEST_AGENT_MISSING,
 * GUEST_FAILED, GUEST_TIMEOUT, CANCELLED
 */
export async function operate(
  host: Host,
  reference: string,
  operation: ToolsOperation,
  { words, read }: ByAgent,
  { signal, user }: OperateOptions,
): Promise<unknown> {
  const machine = await runningMachine(host, reference);
  const deadline = new Deadline(operationMs, silentProgress(signal));
  const asked = user === undefined || user === 'root' ? operation : { ...operation, user };
  const note = ({ message }: KameError) => host.log('kame-tools', { machine: machine.name, reason: message });
  const hello = await answeringTools(machine, deadline, note);
  const wish = asked.user === undefined ? wishOf(words) : 'Another user';
  if (hello === undefined && wish === undefined) {
    refuseWithoutAgent(machine);
    return read(await runOperation(machine, words as readonly string[], deadline));
  }
  return await byTools(machine, asked, { hello, wish: wish ?? 'This' }, deadline);
}

function wishOf(words: ByAgent['words']): string | undefined {
  return 'needsTools' in words ? words.needsTools : undefined;
}

async function byTools(
  machine: Running,
  operation: ToolsOperation,
  { hello, wish }: { hello: Awaited<ReturnType<typeof answeringTools>>; wish: string },
  deadline: Deadline,
): Promise<unknown> {
  refuseOlderTools(machine, hello ?? (await requiredTools(machine, wish, deadline)), wish);
  return await machine.channels.tools.operate(operation, deadline.step(Infinity));
}
