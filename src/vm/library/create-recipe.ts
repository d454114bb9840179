import type { CreateMachine } from '../../api/machine.ts';
import type { ImageSource } from '../../image/cache.ts';
import { hostNameFor } from '../../core/host-label.ts';
import { makeSeedIso } from '../../image/seed/seed.ts';
import { findGuestOs } from '../../model/guest-os.ts';
import type { MachineModel } from '../../model/machine.ts';
import { refuseProblems } from '../../model/problem.ts';
import { directBootFiles } from '../../model/device-settings.ts';
import { applySettings } from '../../model/settings.ts';
import { createDocument } from '../../model/write.ts';
import type { Recipe, RecipeDisk, RecipeFile } from '../bundle/recipe.ts';
import { diskSize } from './new-machine.ts';

const gibibyte = 1024 ** 3;

/** The first disk: a copy of the image, or an empty disk. The bundle does not depend on the image cache. */
function firstDisk(request: CreateMachine, model: MachineModel, source: ImageSource | undefined): RecipeDisk {
  const fileName = 'disk0.qcow2';
  const requested = request.diskBytes === undefined ? undefined : diskSize(request.diskBytes);
  if (!source || source.format === 'iso') {
    const sizeBytes = requested ?? findGuestOs(model.guestOS).os.diskGiB * gibibyte;
    return { fileName, from: 'nothing', sizeBytes };
  }
  const size = requested === undefined ? {} : { sizeBytes: requested };
  return { fileName, from: 'image', source: source.disk, ...size };
}

/** The cloud-init seed (NoCloud) with host name, user and SSH keys. */
function seedFile(
  fileName: string,
  request: CreateMachine,
  model: MachineModel,
  { source, tools }: { readonly source: ImageSource; readonly tools: Buffer | undefined },
): RecipeFile {
  const bytes = makeSeedIso({
    instanceId: model.uuid,
    hostname: hostNameFor(model.displayName),
    user: request.user ?? source.user ?? 'kame',
    ...(source.user === undefined ? {} : { imageUser: source.user }),
    sshKeys: request.sshKeys ?? [],
    installAgent: true,
    ...(tools ? { tools: { arch: model.arch, program: tools } } : {}),
  });
  return { fileName, from: 'bytes', bytes };
}

/**
 * Makes the recipe of a new machine.
 * @param tools kame-tools for its guest, if it has a seed to get them from
 * @throws KameError INVALID_VALUE for an invalid setting or size
 */
export function createRecipe(
  request: CreateMachine,
  model: MachineModel,
  source: ImageSource | undefined,
  tools: Buffer | undefined,
): Recipe {
  const files: RecipeFile[] = [];
  if (source?.directBoot) {
    const { kernel, initrd } = source.directBoot;
    files.push({ fileName: directBootFiles.kernel, from: 'copy', source: kernel });
    files.push({ fileName: directBootFiles.initrd, from: 'copy', source: initrd });
  }
  if (source && model.kame.seed !== undefined) {
    files.push(seedFile(model.kame.seed, request, model, { source, tools }));
  }
  const { doc, problems } = applySettings(createDocument(model), request.settings ?? []);
  refuseProblems(problems);
  return { name: request.name, document: doc, disks: [firstDisk(request, model, source)], files };
}
