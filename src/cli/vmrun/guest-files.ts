import { copyIn } from '../../client/node/copy-in.ts';
import { copyOut } from '../../client/node/copy-out.ts';
import { filesAs } from '../../client/node/files-as-user.ts';
import { KameError } from '../../core/errors.ts';
import type { Call, Run } from './command.ts';
import { asUser } from './guest-user.ts';
import { failed, NegativeAnswer } from './vmrun-error.ts';

/** Whether something of the kind is at a path of the guest, through links. */
async function isThere(call: Call, isKind: (type: string) => boolean): Promise<boolean> {
  const { client, machine, args, signal } = call;
  const [path = ''] = args;
  const as = await asUser(call);
  try {
    const { type } = await client.guestFiles.stat(machine, { path, follow: true, ...as }, { signal });
    return isKind(type);
  } catch (error) {
    const reason = error instanceof KameError ? error.details['reason'] : undefined;
    if (reason === 'noSuchFile' || reason === 'notDirectory') return false;
    throw error;
  }
}

function existence(what: 'file' | 'directory', isKind: (type: string) => boolean): Run {
  return async (call) => {
    if (await isThere(call, isKind)) return [`The ${what} exists.`];
    throw new NegativeAnswer(`The ${what} does not exist.`, failed);
  };
}

export const fileExistsInGuest = existence('file', (type) => type !== 'directory');
export const directoryExistsInGuest = existence('directory', (type) => type === 'directory');

export const listDirectoryInGuest: Run = async (call) => {
  const [path = ''] = call.args;
  const as = await asUser(call);
  const { files } = await call.client.guestFiles.list(call.machine, { path, ...as }, { signal: call.signal });
  return [`Directory list: ${files.length}`, ...files.map(({ name }) => name)];
};

/** A command that changes one path and prints nothing. */
function change(work: (call: Call, path: string, as: { user?: string }) => Promise<unknown>): Run {
  return async (call) => {
    await work(call, call.args[0] ?? '', await asUser(call));
    return [];
  };
}

export const createDirectoryInGuest = change(({ client, machine, signal }, path, as) =>
  client.guestFiles.makeDirectory(machine, { path, ...as }, { signal }),
);
export const deleteFileInGuest = change(({ client, machine, signal }, path, as) =>
  client.guestFiles.remove(machine, { path, ...as }, { signal }),
);
/** With all that is in it, as vmrun does. */
export const deleteDirectoryInGuest = change(({ client, machine, signal }, path, as) =>
  client.guestFiles.remove(machine, { path, directory: true, recursive: true, ...as }, { signal }),
);
export const renameFileInGuest = change(({ client, machine, args, signal }, path, as) =>
  client.guestFiles.rename(machine, { path, to: args[1] ?? '', ...as }, { signal }),
);

export const createTempfileInGuest: Run = async (call) => {
  const as = await asUser(call);
  const { client, machine, signal } = call;
  const { path } = await client.guestFiles.makeTemporary(machine, { prefix: 'vmware', ...as }, { signal });
  return [path];
};

export const copyFileFromHostToGuest: Run = async (call) => {
  const { client, machine, args, signal } = call;
  const [source = '', path = ''] = args;
  const files = filesAs(client, (await asUser(call)).user);
  const copy = { sources: [call.path(source)], machine, path, directory: false, owner: false };
  await copyIn({ ...client, files }, copy, { signal });
  return [];
};

export const copyFileFromGuestToHost: Run = async (call) => {
  const { client, machine, args, signal } = call;
  const [path = '', target = ''] = args;
  const files = filesAs(client, (await asUser(call)).user);
  const copy = { machine, path, target: call.path(target), directory: false, owner: false };
  await copyOut({ ...client, files }, copy, { signal });
  return [];
};
