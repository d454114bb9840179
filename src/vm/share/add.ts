import { basename } from 'node:path';
import type { AddShare, MachineShares } from '../../api/share.ts';
import { KameError } from '../../core/errors.ts';
import { shellQuote } from '../../core/shell-word.ts';
import { maxSharedFolders } from '../../model/devices.ts';
import type { SharedFolder } from '../../model/machine.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { getBoolean } from '../../vmx/values.ts';
import type { Host } from '../host/host.ts';
import { shareAgreement } from '../host/share-agreement.ts';
import { sharingKey } from '../running/shares.ts';
import { changeShares } from './change-shares.ts';
import { hostFolder } from './host-folder.ts';

/** @throws KameError WRONG_STATE when the `.vmx` forbids shared folders */
function refuseForbidden({ name, content }: Bundle): void {
  if (!content || !getBoolean(content.document, sharingKey, false)) return;
  throw new KameError('WRONG_STATE', `${sharingKey} is TRUE, so that no folders are shared with ${name}.`, {
    next: `kame set ${shellQuote(name)} ${sharingKey}=FALSE permits it.`,
    details: { machine: name, key: sharingKey },
  });
}

function freeIndex({ name }: Bundle, folders: readonly SharedFolder[]): number {
  for (let index = 0; index < maxSharedFolders; index += 1)
    if (!folders.some((folder) => folder.index === index)) return index;
  throw new KameError(
    'INVALID_VALUE',
    `${name} has ${maxSharedFolders} shared folders, the most there can be.`,
    {
      next: `kame share remove ${shellQuote(name)} NAME removes one.`,
    },
  );
}

/** The number of the folder: that of the same one, or a new one. @throws KameError ALREADY_EXISTS, INVALID_VALUE */
function indexFor(
  bundle: Bundle,
  { guestName, hostPath }: Pick<SharedFolder, 'guestName' | 'hostPath'>,
): number {
  const { sharedFolders } = contentOf(bundle).model;
  const same = sharedFolders.find((folder) => folder.guestName === guestName);
  if (!same) return freeIndex(bundle, sharedFolders);
  if (same.hostPath === hostPath) return same.index;
  throw new KameError('ALREADY_EXISTS', `${bundle.name} shares ${same.hostPath} by the name ${guestName}.`, {
    next: 'Choose another name with --name, or remove that folder first.',
    details: { machine: bundle.name, share: guestName },
  });
}

/**
 * Shares a folder of the host with a guest, at once if it runs. Whoever asks for it has agreed to it.
 * @throws KameError INVALID_VALUE, ALREADY_EXISTS, WRONG_STATE, FILE_ACCESS, NO_SUCH_MACHINE, BUSY
 */
export async function addShare(host: Host, reference: string, body: AddShare): Promise<MachineShares> {
  return await changeShares(host, reference, async (bundle, known) => {
    refuseForbidden(bundle);
    const hostPath = await hostFolder(host, body.hostPath);
    const guestName = body.name ?? basename(hostPath);
    const index = indexFor(bundle, { guestName, hostPath });
    const folder = { index, guestName, hostPath, enabled: true, writable: !body.readOnly };
    const others = contentOf(bundle).model.sharedFolders.filter((other) => other.index !== index);
    const elsewhere = others.some((other) => other.hostPath === hostPath && other.writable);
    const wider = shareAgreement({ hostPath, writable: true });
    const how = folder.writable ? '' : ' read-only';
    return {
      folders: [...others, folder],
      agreed: [...known.filter((each) => each !== wider || elsewhere), shareAgreement(folder)],
      told: `${hostPath} is shared${how} with ${bundle.name}, as ${guestName}.`,
    };
  });
}
