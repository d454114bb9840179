import type {
  AddGuestSshKeys,
  GuestSshKeys,
  GuestUsers,
  RemoveGuestSshKeys,
  SetGuestPassword,
} from '../../api/guest-user-operations.ts';
import { Deadline } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import { silentProgress } from '../../core/progress.ts';
import type { GuestAgent } from '../../guest/agent/agent.ts';
import type { CallOptions } from '../../guest/agent/wait.ts';
import { refuseWithoutAgent } from '../guest/tools-state.ts';
import type { Host } from '../host/host.ts';
import { runningMachine } from '../host/state.ts';
import { accountsOf } from './agent-replies.ts';
import { operate } from './operate.ts';
import { readAccounts } from './replies.ts';

/** Milliseconds for an answer of the guest agent; setting a password starts a program in the guest. */
const answerMs = 30_000;
const sessionsMs = 5000;

/** Who is logged in, as far as the guest agent tells. */
async function sessionsOf(
  host: Host,
  reference: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Date>> {
  const machine = await runningMachine(host, reference);
  if (!machine.agentAnswers) return new Map();
  try {
    return await machine.channels.agent.sessions({ deadlineMs: sessionsMs, signal });
  } catch (error) {
    if (!(error instanceof KameError) || error.code === 'CANCELLED') throw error;
    return new Map();
  }
}

/** The users of a guest, those of its passwd file. @throws KameErrors as `operate` does */
export async function listUsers(host: Host, reference: string, signal: AbortSignal): Promise<GuestUsers> {
  const byAgent = { words: ['accounts'], read: accountsOf };
  const reply = await operate(host, reference, { operation: 'accounts' }, byAgent, { signal });
  const { items, more } = readAccounts(reply);
  const sessions = await sessionsOf(host, reference, signal);
  const users = items.map((account) => ({
    ...account,
    loggedInSince: sessions.get(account.name)?.toISOString() ?? null,
  }));
  return { users, more };
}

/** @throws KameError WRONG_STATE, GUEST_AGENT_MISSING also when the agent is too old, GUEST_FAILED, GUEST_TIMEOUT, CANCELLED */
async function byAgent<T>(
  host: Host,
  reference: string,
  signal: AbortSignal,
  work: (agent: GuestAgent, options: CallOptions) => Promise<T>,
): Promise<T> {
  const machine = await runningMachine(host, reference);
  refuseWithoutAgent(machine);
  const deadline = new Deadline(answerMs, silentProgress(signal));
  return await work(machine.channels.agent, deadline.step(Infinity));
}

/** Sets the password of a user of a guest. @throws KameErrors as `byAgent` does */
export async function setPassword(
  host: Host,
  reference: string,
  user: string,
  { password, crypted }: SetGuestPassword,
  signal: AbortSignal,
): Promise<{ ok: true }> {
  await byAgent(host, reference, signal, async (agent, options) => {
    await agent.setPassword(user, password, crypted, options);
  });
  return { ok: true };
}

/** The SSH keys that let a user of a guest in. @throws KameErrors as `byAgent` does */
export async function listSshKeys(
  host: Host,
  reference: string,
  user: string,
  signal: AbortSignal,
): Promise<GuestSshKeys> {
  return await byAgent(host, reference, signal, async (agent, options) => ({
    keys: await agent.sshKeys(user, options),
  }));
}

/** Adds keys, or removes them; the keys after that. @throws KameErrors as `byAgent` does */
export async function changeSshKeys(
  host: Host,
  reference: string,
  user: string,
  change: { readonly add: AddGuestSshKeys } | { readonly remove: RemoveGuestSshKeys },
  signal: AbortSignal,
): Promise<GuestSshKeys> {
  return await byAgent(host, reference, signal, async (agent, options) => {
    if ('add' in change) await agent.addSshKeys(user, change.add.keys, change.add.replace, options);
    else await agent.removeSshKeys(user, change.remove.keys, options);
    return { keys: await agent.sshKeys(user, options) };
  });
}
