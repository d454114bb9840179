import { KameError } from '../../core/errors.ts';
import type { Layer } from '../../disk/chain.ts';
import type { Bundle } from '../../store/bundle.ts';
import { openMarkBeside } from '../../store/open-marker.ts';
import { originalsOf } from './layers.ts';

/**
 * Refuses to start a machine that was imported in place while VMware has its original open, and so may write to its disks.
 * @throws KameError WRONG_STATE
 */
export async function refuseOpenOriginals({ name }: Bundle, chains: Iterable<Layer>): Promise<void> {
  const originals = originalsOf(chains);
  const mark = await openMarkBeside(originals);
  if (mark === undefined) return;
  throw new KameError(
    'WRONG_STATE',
    `${name} shows the disks of a machine that is open in VMware: ${mark} is beside its files.`,
    {
      next: `Shut it down and close it in VMware. If it was changed there, ${name} must be imported anew. If no program uses it, delete ${mark}.`,
      details: { machine: name, path: originals[0] ?? '' },
    },
  );
}
