import { errnoOf, messageOf } from '../../core/errors.ts';
import { shellQuote } from '../../core/shell-word.ts';
import type { SharedFolder } from '../../model/machine.ts';
import { sharesPort } from '../../qemu/plan/channels.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { ConfinedDirectory } from '../../sys/confined-directory.ts';
import { getBoolean } from '../../vmx/values.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { isShareAgreed } from '../host/share-agreement.ts';
import { hasPort, portIsOpen } from './guest-port.ts';
import { kameIdentities } from './kame-directories.ts';

/** VMware's key that forbids shared folders, as it forbids copies. */
export const sharingKey = 'isolation.tools.hgfs.disable';

/** A shared folder of a `.vmx`, and why guests do not get it if they do not. */
export interface FoundShare {
  readonly folder: SharedFolder;
  readonly state: 'shared' | 'off' | 'gone' | 'unconfirmed';
  readonly reason: string | null;
}

/** Why a folder cannot be opened; undefined if it can. */
async function whyGone({ hostPath }: SharedFolder): Promise<string | undefined> {
  try {
    await using _directory = await ConfinedDirectory.open(hostPath);
    return undefined;
  } catch (error) {
    return errnoOf(error) === 'ELOOP'
      ? `${hostPath} leads through a link now.`
      : `${hostPath} cannot be opened: ${messageOf(error)}`;
  }
}

async function lookAt(bundle: Bundle, folder: SharedFolder, agreed: readonly string[]): Promise<FoundShare> {
  const { document } = contentOf(bundle);
  if (getBoolean(document, sharingKey, true)) {
    const reason = `${sharingKey} is not FALSE, so that no folders are shared with the guest.`;
    return { folder, state: 'off', reason };
  }
  if (!folder.enabled) {
    const reason = `sharedFolder${folder.index}.enabled or readAccess is FALSE.`;
    return { folder, state: 'off', reason };
  }
  if (!isShareAgreed(agreed, folder)) {
    const readOnly = folder.writable ? '' : ' --read-only';
    const words = [bundle.name, folder.hostPath].map(shellQuote).join(' ');
    const reason = `The .vmx shares it, but you have not agreed to that: kame share add ${words} --name ${shellQuote(folder.guestName)}${readOnly} does.`;
    return { folder, state: 'unconfirmed', reason };
  }
  const gone = await whyGone(folder);
  return gone === undefined
    ? { folder, state: 'shared', reason: null }
    : { folder, state: 'gone', reason: gone };
}

/** The shared folders of a machine. @throws KameError BROKEN_MACHINE when the `.vmx` cannot be read */
export async function findShares(host: Host, bundle: Bundle): Promise<FoundShare[]> {
  const { sharedFolders } = contentOf(bundle).model;
  if (sharedFolders.length === 0) return [];
  const agreed = await host.inventory.agreedFiles(bundle.names.vmx);
  return await Promise.all(sharedFolders.map(async (folder) => await lookAt(bundle, folder, agreed)));
}

/** Makes a running machine serve the folders that its `.vmx` shares. A folder that is gone is served when it comes back. */
export async function refreshShares(host: Host, machine: Running): Promise<void> {
  const found = await findShares(host, await host.bundles.read(machine.names.vmx));
  const served = found.filter(({ state }) => state === 'shared' || state === 'gone');
  const list = served.map(({ folder }) => ({
    name: folder.guestName,
    path: folder.hostPath,
    writable: folder.writable,
  }));
  const nothing = { hidden: new Set<string>(), pinned: new Set<string>() };
  machine.channels.shares.setShares({ list, ...(list.length === 0 ? nothing : await kameIdentities(host)) });
}

/** Serves the shared folders of a machine for as long as its guest has the port open. */
export function watchShares(host: Host, machine: Running): void {
  if (!hasPort(machine, sharesPort)) return;
  const { shares } = machine.channels;
  let isOpen: boolean | undefined;
  const report = (error: unknown) =>
    host.log('Shared folders', { machine: machine.name, reason: messageOf(error) });
  const changed = async (open: boolean) => {
    isOpen = open;
    // The .vmx, or what belongs to Kame, may have changed since.
    if (open) await refreshShares(host, machine).catch(report);
    // The guest may have closed it meanwhile.
    shares.portChanged(isOpen);
  };
  machine.engine.qmp.on('VSERPORT_CHANGE', ({ id, open }) => {
    if (id === sharesPort.id) void changed(open);
  });
  // An adopted machine may have opened the port before.
  portIsOpen(machine, sharesPort)
    .then(async (open) => {
      if (open && isOpen === undefined) await changed(true);
    })
    .catch(report);
}
