import { appendLog, type Bundle } from '../../store/bundle.ts';
import type { Host, JournalOf } from '../host/host.ts';
import { livingEngine } from '../host/living-engine.ts';
import { discardClone } from './discard.ts';
import { giveIdentity } from './identity.ts';

/** Discards a clone that is not running, since nobody has used it yet. A running one gets its identity when its agent answers. */
export async function recoverClone(host: Host, bundle: Bundle, journal: JournalOf<'clone'>): Promise<void> {
  const machine = await livingEngine(host, bundle);
  if (!machine) return await discardClone(host, bundle);
  const { identity } = journal;
  if (!identity) return;
  void machine.milestones.reached('agent').then(async () => {
    for (const note of await giveIdentity(host, machine, identity)) await appendLog(machine.names, note);
  });
}
