import type { MachineShares } from '../../api/share.ts';
import { KameError } from '../../core/errors.ts';
import { shellQuote } from '../../core/shell-word.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import type { Host } from '../host/host.ts';
import { shareAgreement } from '../host/share-agreement.ts';
import { changeShares } from './change-shares.ts';

function noSuchShare({ name, content }: Bundle, share: string): KameError {
  const there = (content?.model.sharedFolders ?? []).map(({ guestName }) => guestName).join(', ');
  return new KameError('NO_SUCH_SHARE', `${name} has no shared folder ${share}.`, {
    next:
      there === ''
        ? `kame share add ${shellQuote(name)} HOSTPATH shares one.`
        : `kame share list ${shellQuote(name)} shows those that it has: ${there}.`,
    details: { machine: name, share },
  });
}

/**
 * Stops sharing a folder, at once if the machine runs. Nothing in the folder changes. If a snapshot shares it, a revert does not
 * share it again before somebody agrees.
 * @throws KameError NO_SUCH_SHARE, NO_SUCH_MACHINE, BUSY
 */
export async function removeShare(host: Host, reference: string, share: string): Promise<MachineShares> {
  return await changeShares(host, reference, (bundle, known) => {
    const { sharedFolders } = contentOf(bundle).model;
    const gone = sharedFolders.find(({ guestName }) => guestName === share);
    if (!gone) throw noSuchShare(bundle, share);
    const { hostPath } = gone;
    const folders = sharedFolders.filter((folder) => folder !== gone);
    const needed = new Set(folders.map(shareAgreement));
    const withdrawn = new Set([true, false].map((writable) => shareAgreement({ hostPath, writable })));
    return {
      folders,
      agreed: known.filter((each) => !withdrawn.has(each) || needed.has(each)),
      told: `${hostPath} is no longer shared with ${bundle.name}.`,
    };
  });
}
