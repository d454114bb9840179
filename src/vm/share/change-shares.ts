import type { MachineShares } from '../../api/share.ts';
import type { MachineModel, SharedFolder } from '../../model/machine.ts';
import { refuseProblems } from '../../model/problem.ts';
import { validateModel } from '../../model/validate.ts';
import { applyModel } from '../../model/write.ts';
import { appendLog, contentOf, writeVmx, type Bundle } from '../../store/bundle.ts';
import { edit, getText, type VmxDocument } from '../../vmx/document.ts';
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

/** A `.vmx` with other shared folders. What forbids sharing in it stays, unless that is what changes. @throws KameError INVALID_VALUE */
function documentWith(bundle: Bundle, { folders, allowed }: SharesChange): VmxDocument {
  const { document, model } = contentOf(bundle);
  const changed = applyModel(document, model, withFolders(model, folders));
  const sharing = allowed === undefined ? getText(document, sharingKey) : allowed ? 'FALSE' : 'TRUE';
  return sharing === undefined ? changed : edit(changed, new Map([[sharingKey, sharing]]));
}

/** What the shared folders of a machine become. */
export interface SharesChange {
  readonly folders: readonly SharedFolder[];
  /** Whether folders are shared at all; default: as it is. */
  readonly allowed?: boolean;
  /** What a person has agreed to for the machine then. */
  readonly agreed: readonly string[];
  /** What the log and the event say. */
  readonly told: string;
}

/**
 * Opens a use case that changes the shared folders of a machine in any state. A running guest has the change when it is done.
 * @param plan given the machine and what a person has agreed to for it; changes nothing
 * @throws KameError NO_SUCH_MACHINE, BUSY, BROKEN_MACHINE, INVALID_VALUE, DISK_FULL, FILE_ACCESS, and what `plan` throws
 */
export async function changeShares(
  host: Host,
  reference: string,
  plan: (bundle: Bundle, agreed: readonly string[]) => SharesChange | Promise<SharesChange>,
): Promise<MachineShares> {
  return await hold(host, reference, 'change', async ({ bundle, machine }) => {
    const { vmx } = bundle.names;
    const change = await plan(bundle, await host.inventory.agreedFiles(vmx));
    const { agreed, told } = change;
    const document = documentWith(bundle, change);
    const write = async () => {
      // Before the .vmx: after a kill in between, a folder is shared less than it was, and never more than somebody wants.
      await host.inventory.agree(vmx, agreed);
      await writeVmx(vmx, document);
    };
    try {
      await (machine ? write() : withLock(bundle, write));
    } finally {
      // Also when the .vmx could not be written: the guest keeps nothing that was taken back.
      if (machine) await refreshShares(host, machine);
    }
    const changed = await host.bundles.read(vmx);
    await appendLog(bundle.names, told);
    host.events.emit(bundleEvent('machine.changed', changed, told));
    return await describeShares(host, changed);
  });
}
