import { existsSync } from 'node:fs';
import { basename, isAbsolute } from 'node:path';
import { attachedFloppies } from '../../model/floppies.ts';
import type { MachineModel } from '../../model/machine.ts';
import type { Bundle } from '../../store/bundle.ts';
import { resolveIn } from '../../store/names.ts';
import type { RecipeFile } from '../bundle/recipe.ts';

/** The files besides the disks that a clone gets: kernel, initrd, seed, ISO and floppy images in the source's directory. */
export function smallFiles(source: Bundle, model: MachineModel): RecipeFile[] {
  const { directBoot, seed } = model.kame;
  const names = [
    ...(directBoot ? [directBoot.kernel, directBoot.initrd] : []),
    seed,
    ...model.cdroms.map(({ fileName }) => fileName ?? undefined),
    ...attachedFloppies(model).map(({ fileName }) => fileName),
  ];
  return [...new Set(names)].flatMap((name) => {
    if (name === undefined || isAbsolute(name)) return [];
    const path = resolveIn(source.names, name);
    return existsSync(path) ? [{ fileName: basename(name), from: 'link' as const, source: path }] : [];
  });
}
