import type { Bundle } from '../../store/bundle.ts';
import { writeJournal } from '../../store/journal.ts';
import type { Host, JournalOf } from '../host/host.ts';
import { livingEngine, resumeUnlessPaused } from '../host/living-engine.ts';
import { settle } from '../host/settle.ts';
import { tidy } from './tidy.ts';

/** Continues merging and removing layers where it was interrupted. */
export async function recoverTidy(host: Host, bundle: Bundle, journal: JournalOf<'tidy'>): Promise<void> {
  await tidy(host, bundle);
  await resumeUnlessPaused(await livingEngine(host, bundle), journal.paused);
}

/** Merges and removes layers that no state needs any more. A kill in the middle loses nothing. */
export async function consolidate(host: Host, bundle: Bundle): Promise<Bundle> {
  const paused = host.running.get(bundle.names.vmx)?.state !== 'running';
  await writeJournal(host.names, bundle.names, { kind: 'tidy', paused });
  return await settle(host, bundle);
}
