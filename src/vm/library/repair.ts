import type { RepairedMachine, RepairMachine } from '../../api/library.ts';
import { appendLog } from '../../store/bundle.ts';
import { bundleEvent } from '../host/events.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { moveOriginals } from '../layers/move-originals.ts';
import { repairLinks } from '../layers/repair-links.ts';

/**
 * Re-links a machine with its linked clones and with the machines that it is a linked clone of, after any of them was moved,
 * copied or deleted by hand, and with the original whose disks it uses in place. What cannot be repaired is in `problems`.
 * @throws KameError NO_SUCH_MACHINE, BUSY, ENGINE_TIMEOUT, INVALID_VALUE for a clone that cannot be forgotten
 */
export async function repair(host: Host, reference: string, body: RepairMachine): Promise<RepairedMachine> {
  // It must work on a machine whose unfinished operation cannot be settled because its base is missing.
  const request = { verb: 'repair', needs: 'any', settles: false } as const;
  return await hold(host, reference, request, async ({ bundle }) => {
    const { original } = body;
    const moved =
      original === undefined ? { changes: [], problems: [] } : await moveOriginals(host, bundle, original);
    const links = await repairLinks(host, bundle, body);
    const changes = [...moved.changes, ...links.changes];
    const problems = [...moved.problems, ...links.problems];
    for (const change of changes) await appendLog(bundle.names, change);
    if (changes.length > 0)
      host.events.emit(bundleEvent('machine.changed', bundle, `${bundle.name} was repaired.`));
    return { name: bundle.name, changes, problems };
  });
}
