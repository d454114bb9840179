import type { Call, Run } from './command.ts';
import { VmrunError } from './vmrun-error.ts';

function allow(allowed: boolean): Run {
  return async ({ client, machine, signal }) => {
    await client.shares.allow(machine, { allowed }, { signal });
    return [];
  };
}

export const enableSharedFolders = allow(true);
export const disableSharedFolders = allow(false);

async function add(call: Call, readOnly: boolean): Promise<void> {
  const [name = '', hostPath = ''] = call.args;
  const share = { name, hostPath: call.path(hostPath), readOnly };
  await call.client.shares.add(call.machine, share, { signal: call.signal });
}

export const addSharedFolder: Run = async (call) => {
  await add(call, false);
  return [];
};

/** Changes the folder, or whether the guest may write, of a share that is there. */
export const setSharedFolderState: Run = async (call) => {
  const { client, machine, args, signal } = call;
  const [name = '', hostPath = '', access = ''] = args;
  const readOnly = access.toLowerCase() === 'readonly';
  if (!readOnly && access.toLowerCase() !== 'writable')
    throw new VmrunError('One of the parameters was invalid');
  const found = (await client.shares.list(machine, { signal })).folders.find(
    (folder) => folder.name === name,
  );
  if (!found) throw new VmrunError('The request refers to an object that does not exist');
  if (found.hostPath !== call.path(hostPath)) await client.shares.remove(machine, name, { signal });
  await add(call, readOnly);
  return [];
};

export const removeSharedFolder: Run = async ({ client, machine, args, signal }) => {
  await client.shares.remove(machine, args[0] ?? '', { signal });
  return [];
};
