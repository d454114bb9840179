import type { RunNames } from '../../store/names.ts';
import { removeRunDirectory } from '../../store/run-record.ts';
import { endCompanions } from './companion.ts';

/**
 * Removes the run directory of a machine whose engine is gone, with the companions that ran beside it.
 * @throws KameError FILE_ACCESS, ENGINE_TIMEOUT when a companion can't be ended
 */
export async function clearRunDirectory(run: RunNames): Promise<void> {
  await endCompanions(run.directory);
  await removeRunDirectory(run);
}
