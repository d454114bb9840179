import { writeFile } from 'node:fs/promises';
import { poll } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import { fileError } from '../../sys/files.ts';
import type { Call, Run } from './command.ts';
import { asUser } from './guest-user.ts';
import { VmrunError } from './vmrun-error.ts';

/** What the guest has not got yet while it boots: an agent that answers, or an address. */
const notYet = new Set(['GUEST_AGENT_MISSING', 'GUEST_TIMEOUT', 'GUEST_FAILED']);

async function addressOf({ client, machine, signal }: Call): Promise<string | undefined> {
  return (await client.machines.addresses(machine, { signal })).ip ?? undefined;
}

/** With -wait, as long as the machine runs. */
export const getGuestIPAddress: Run = async (call) => {
  const look = async () => {
    try {
      return await addressOf(call);
    } catch (error) {
      if (error instanceof KameError && notYet.has(error.code)) return undefined;
      throw error;
    }
  };
  const { signal, words } = call;
  const address = words.has('-wait')
    ? await poll(look, { deadlineMs: Infinity, signal, stepMs: 100, maxStepMs: 1000 })
    : await addressOf(call);
  if (address === undefined) throw new VmrunError('Unable to get the IP address');
  return [address];
};

export const captureScreen: Run = async (call) => {
  const { client, machine, args, signal } = call;
  await asUser(call);
  const path = call.path(args[0] ?? '');
  const image = await client.machines.screenshot(machine, { signal });
  await writeFile(path, image, { mode: 0o600 }).catch((error: unknown) => {
    throw fileError(error, path);
  });
  return [];
};

export const typeKeystrokesInGuest: Run = async (call) => {
  const { client, machine, args, signal } = call;
  await asUser(call);
  await client.machines.type(machine, { text: args[0] ?? '' }, { signal });
  return [];
};

/** vmrun knows three states. Kame cannot tell agents that do not answer from those that are not there. */
export const checkToolsState: Run = async ({ client, machine, signal }) => {
  try {
    const { agents } = await client.tools.show(machine, { signal });
    return [agents.some(({ answers }) => answers) ? 'running' : 'unknown'];
  } catch (error) {
    if (error instanceof KameError && error.code === 'WRONG_STATE') return ['unknown'];
    throw error;
  }
};

export const installTools: Run = async ({ client, machine, signal }) => {
  await client.tools.install(machine, { signal });
  return [];
};
