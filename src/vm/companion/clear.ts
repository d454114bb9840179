import type { RunNames } from '../../store/names.ts';
import { removeRunDirectory } from '../../store/run-record.ts';
import { endCompanions } from './companion.ts';

/**
 * Ends the companions of a machine whose engine is gone, and removes its run directory.
 * @throws KameError FILE_ACCESS, ENGINE_TIMEOUT when a companion cannot be ended
 */
export async function clearRunDirectory(run: RunNames): Promise<void> {
  await endCompanions(run.directory);
  await removeRunDirectory(run);
}
