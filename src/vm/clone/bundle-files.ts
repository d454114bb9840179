import { resolveIn } from '../../store/names.ts';
import { constants, existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import type { MachineModel } from '../../model/machine.ts';
import type { Bundle } from '../../store/bundle.ts';
import { fileError } from '../../sys/files.ts';
import { linkFile } from '../../sys/link.ts';

async function linkOrCopy(from: string, to: string): Promise<void> {
  if (await linkFile(from, to)) return;
  await copyFile(from, to, constants.COPYFILE_FICLONE).catch((error: unknown) => {
    throw fileError(error, to);
  });
}

/** Brings the small files of a machine into a clone's directory: kernel, initrd, seed, ISOs of its own. */
export async function bringSmallFiles(source: Bundle, model: MachineModel, directory: string): Promise<void> {
  const { directBoot, seed } = model.kame;
  const names = [
    ...(directBoot ? [directBoot.kernel, directBoot.initrd] : []),
    seed,
    ...model.cdroms.map(({ fileName }) => fileName ?? undefined),
  ];
  for (const name of new Set(names)) {
    if (name === undefined || isAbsolute(name)) continue;
    const from = resolveIn(source.names, name);
    if (existsSync(from)) await linkOrCopy(from, join(directory, basename(name)));
  }
}
