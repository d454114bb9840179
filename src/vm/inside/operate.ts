import { Deadline } from '../../core/deadline.ts';
import { silentProgress } from '../../core/progress.ts';
import type { ToolsOperation } from '../../guest/tools/messages.ts';
import { refuseOlderTools, toolsOrAgent } from '../guest/tools-state.ts';
import type { Host } from '../host/host.ts';
import { runningMachine } from '../host/state.ts';
import { runOperation } from './agent-script.ts';

/** Milliseconds for an operation: less than clients wait for a reply that may be slow. */
const operationMs = 120_000;

/** How an operation is done without kame-tools. */
export interface ByAgent {
  /** What of it only kame-tools can do, in the words of a message. */
  readonly needsTools?: string;
  /** Its words for guest/agent/operate.sh. */
  readonly words: readonly string[];
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
  { needsTools, words, read }: ByAgent,
  { signal, user }: OperateOptions,
): Promise<unknown> {
  const machine = await runningMachine(host, reference);
  const deadline = new Deadline(operationMs, silentProgress(signal));
  const asked = user === undefined || user === 'root' ? operation : { ...operation, user };
  const wish = asked.user === undefined ? needsTools : 'Another user';
  const hello = await toolsOrAgent(host, machine, wish, deadline);
  if (!hello) return read(await runOperation(machine, words, deadline));
  refuseOlderTools(machine, hello, wish ?? 'This');
  return await machine.channels.tools.operate(asked, deadline.step(Infinity));
}
