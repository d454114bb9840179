import type { MachineShares } from '../../api/share.ts';
import type { MachineModel, SharedFolder } from '../../model/machine.ts';
import { refuseProblems } from '../../model/problem.ts';
import { validateModel } from '../../model/validate.ts';
import { applyModel } from '../../model/write.ts';
import { appendLog, contentOf, writeVmx, type Bundle } from '../../store/bundle.ts';
import { edit, getText } from '../../vmx/document.ts';
import { bundleEvent } from '../host/events.ts';
import { hold, withLock } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { refreshShares, sharingKey } from '../running/shares.ts';
import { describeShares } from './list.ts';

/** A machine with other shared folders. Problems that it had before do not matter. @throws KameError INVALID_VALUE */
function withFolders(model: MachineModel, folders: readonly SharedFolder[]): MachineModel {
  const after = { ...model, sharedFolders: [...folders].sort((a, b) => a.index - b.index) };
  const before = new Set(validateModel(model).map(({ message }) => message));
  refuseProblems(validateModel(after).filter(({ message }) => !before.has(message)));
  return after;
}

/** Writes other shared folders into a `.vmx`. What forbids sharing in it stays. @throws KameError INVALID_VALUE, DISK_FULL, FILE_ACCESS */
export async function writeFolders(bundle: Bundle, folders: readonly SharedFolder[]): Promise<void> {
  const { document, model } = contentOf(bundle);
  const changed = applyModel(document, model, withFolders(model, folders));
  const sharing = getText(document, sharingKey);
  const kept = sharing === undefined ? changed : edit(changed, new Map([[sharingKey, sharing]]));
  await writeVmx(bundle.names.vmx, kept);
}

/**
 * Opens a use case that changes the shared folders of a machine in any state. A running guest has what `work` has written when it
 * is done.
 * @param work changes the `.vmx`; returns what is told of it
 * @throws KameError NO_SUCH_MACHINE, BUSY, BROKEN_MACHINE, and what `work` throws
 */
export async function changeShares(
  host: Host,
  reference: string,
  work: (bundle: Bundle) => Promise<string>,
): Promise<MachineShares> {
  return await hold(host, reference, 'change', async ({ bundle, machine }) => {
    const told = machine ? await work(bundle) : await withLock(bundle, async () => await work(bundle));
    const changed = await host.bundles.read(bundle.names.vmx);
    if (machine) await refreshShares(host, machine);
    await appendLog(bundle.names, told);
    host.events.emit(bundleEvent('machine.changed', changed, told));
    return await describeShares(host, changed);
  });
}
