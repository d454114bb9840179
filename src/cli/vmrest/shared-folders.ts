import { isAbsolute } from 'node:path';
import type { MachineShares } from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import { invalid, VmrestError } from './failure.ts';
import { machineWith } from './machine-id.ts';
import type { Call, Handler } from './operation.ts';
import type { operations } from './operations.ts';

type Operations = typeof operations;

/** The flag for reading and writing; without it, the guest may only read. */
const writable = 4;

function foldersOf({ folders }: MachineShares) {
  return folders.map((folder) => ({
    folder_id: folder.name,
    host_path: folder.hostPath,
    flags: folder.writable ? writable : 0,
  }));
}

type Folder = Call<Operations['updataSharedFolder']>['body'];

/** A share of the API for a folder. @throws VmrestError */
function shareOf(name: string, { host_path: hostPath, flags }: Folder) {
  if (flags !== writable && flags !== 0)
    throw invalid('flags', '4 is for reading and writing, 0 for reading.');
  if (!isAbsolute(hostPath)) throw invalid('host_path', 'It must be an absolute path.');
  return { name, hostPath, readOnly: flags === 0 };
}

export const getAllSharedFolders: Handler<Operations['getAllSharedFolders']> = async (call) => {
  const { path } = await machineWith(call.params.id, call);
  return foldersOf(await call.client.shares.list(path, { signal: call.signal }));
};

export const createSharedFolder: Handler<Operations['createSharedFolder']> = async (call) => {
  const { client, signal, body, params } = call;
  const share = shareOf(body.folder_id, body);
  const { path } = await machineWith(params.id, call);
  const { folders } = await client.shares.list(path, { signal });
  if (folders.some(({ name }) => name === share.name))
    throw new VmrestError(409, 'alreadyExists', `The machine already shares a folder as "${share.name}".`);
  return foldersOf(await client.shares.add(path, share, { signal }));
};

/** Another folder takes the place of the old one; the old one is put back if it cannot be shared. */
export const updataSharedFolder: Handler<Operations['updataSharedFolder']> = async (call) => {
  const { client, signal, params } = call;
  const share = shareOf(params['folder id'], call.body);
  const { path, name } = await machineWith(params.id, call);
  const { folders } = await client.shares.list(path, { signal });
  const old = folders.find((folder) => folder.name === share.name);
  if (!old) throw new KameError('NO_SUCH_SHARE', `${name} shares no folder as "${share.name}".`);
  if (old.hostPath === share.hostPath) return foldersOf(await client.shares.add(path, share, { signal }));
  await client.shares.remove(path, share.name, { signal });
  try {
    return foldersOf(await client.shares.add(path, share, { signal }));
  } catch (error) {
    await client.shares.add(path, { ...share, hostPath: old.hostPath, readOnly: !old.writable });
    throw error;
  }
};

export const deleteSharedFolder: Handler<Operations['deleteSharedFolder']> = async (call) => {
  const { path } = await machineWith(call.params.id, call);
  await call.client.shares.remove(path, call.params['folder id'], { signal: call.signal });
  return undefined;
};
