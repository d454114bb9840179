import { Deadline } from '../../core/deadline.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import { silentProgress } from '../../core/progress.ts';
import { renewLeases } from '../../guest/identity/by-tools.ts';
import { applyIdentity } from '../../guest/identity/identity.ts';
import type { GuestTools } from '../../guest/tools/tools.ts';
import { appendLog } from '../../store/bundle.ts';
import type { CloneIdentity } from '../../store/journal.ts';
import { answeringTools } from '../guest/tools-state.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { isSynchronised } from '../running/guest-time.ts';

export interface GiveOptions {
  readonly signal?: AbortSignal;
  /** Whether other clones get theirs too, and `askForAddresses` is called when all have. */
  readonly others?: boolean;
}

/** Milliseconds that kame-tools have to say hello; without them, the guest agent runs scripts. */
const toolsMs = 5000;

function refuseCancelled(machine: Running, signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new KameError(
    'CANCELLED',
    `Cloning was cancelled before ${machine.name} had an identity of its own.`,
  );
}

/** The kame-tools of the guest, if they answer and do more than running commands. */
async function operatingTools(machine: Running, signal: AbortSignal): Promise<GuestTools | undefined> {
  const hello = await answeringTools(machine, new Deadline(toolsMs, silentProgress(signal)));
  return hello?.services.includes('operate') ? machine.channels.tools : undefined;
}

/** Milliseconds after which a guest asks for an address also if nobody tells it to. */
const longestLeaseWait = 10_000;

/**
 * Has the guests of several clones ask for addresses, now that all have their names: what DHCP clients do takes a guest longer than the
 * rest of its identity. Guests that are not reached, or have older tools, have done it or do it by themselves.
 */
export function askForAddresses(host: Host, clones: readonly { readonly machine: Running }[]): void {
  for (const { machine } of clones) {
    const { channels, name } = machine;
    if (!channels.tools.connected) continue;
    renewLeases(channels.tools).catch((error: unknown) =>
      host.log('The guest of a clone asks for its address later', {
        machine: name,
        reason: messageOf(error),
      }),
    );
  }
}

/**
 * Gives the guest of a clone an identity of its own: host name, keys and addresses. A part that fails stays as in the source.
 * @returns notes on what failed
 * @throws KameError CANCELLED; the clone may still have parts of the source's identity, so the caller discards it
 */
export async function giveIdentity(
  host: Host,
  machine: Running,
  identity: CloneIdentity,
  { signal = new AbortController().signal, others = false }: GiveOptions = {},
): Promise<string[]> {
  try {
    const { agent } = machine.channels;
    const tools = await operatingTools(machine, signal);
    const report = await applyIdentity(
      { agent, tools },
      {
        ...identity,
        leaseWithin: others ? longestLeaseWait : 0,
        keepsClock: !(await isSynchronised(host, machine)),
        signal,
      },
    );
    refuseCancelled(machine, signal);
    await appendLog(
      machine.names,
      `identity: ${report.steps.map(({ name, result }) => `${name} ${result}`).join(', ')}`,
    );
    return report.steps
      .filter(({ result }) => result === 'failed')
      .map(({ name, reason }) => `${machine.name}: could not change ${name}: ${reason ?? 'no reason given'}`);
  } catch (error) {
    refuseCancelled(machine, signal);
    host.log('Could not change the identity of a clone', { machine: machine.name, reason: messageOf(error) });
    return [`${machine.name}: the guest keeps the source’s names and keys: ${messageOf(error)}`];
  }
}
