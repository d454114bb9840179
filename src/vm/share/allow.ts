import type { MachineShares } from '../../api/share.ts';
import { contentOf } from '../../store/bundle.ts';
import type { Host } from '../host/host.ts';
import { changeShares } from './change-shares.ts';

/**
 * Permits or forbids all shared folders of a machine in any state. What a person has agreed to stays.
 * @throws KameError NO_SUCH_MACHINE, BUSY, BROKEN_MACHINE, DISK_FULL, FILE_ACCESS
 */
export async function allowShares(host: Host, reference: string, allowed: boolean): Promise<MachineShares> {
  return await changeShares(host, reference, (bundle, agreed) => ({
    folders: contentOf(bundle).model.sharedFolders,
    allowed,
    agreed,
    told: `Shared folders of ${bundle.name} are ${allowed ? 'permitted' : 'forbidden'}.`,
  }));
}
