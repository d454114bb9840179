import type { CreateMachine, MachineDetails, Problem } from '../../api/machine.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { ImageSource } from '../../image/cache.ts';
import { checkSeedUser } from '../../image/seed/seed.ts';
import type { Arch } from '../../model/machine.ts';
import { checkGuestOs } from '../../model/guest-os.ts';
import { checkMachineName, plainName } from '../../model/name.ts';
import { refuseProblems, type ModelProblem } from '../../model/problem.ts';
import { applySettings } from '../../model/settings.ts';
import { validateModel } from '../../model/validate.ts';
import { createDocument } from '../../model/write.ts';
import { toolsProgram } from '../../sys/assets.ts';
import { buildBundle, vmxOf } from '../bundle/build.ts';
import type { Recipe } from '../bundle/recipe.ts';
import { bundleEvent } from '../host/events.ts';
import { refuseTakenName } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import { describe } from '../running/describe.ts';
import { createRecipe } from './create-recipe.ts';
import { checkInstallIso, imageFor, requireSpaceFor, seedNotes } from './create-source.ts';
import { archOf, diskSize, modelOf, planModel } from './new-machine.ts';
import { withWarnings } from './settings.ts';

async function build(
  host: Host,
  recipe: Recipe,
  source: ImageSource | undefined,
  progress: Progress,
): Promise<string> {
  try {
    return await buildBundle(host, recipe, progress);
  } catch (error) {
    const full = error instanceof KameError && error.code === 'DISK_FULL';
    const lacksSize = full && error.details['bytesNeeded'] === undefined;
    if (lacksSize && source) await requireSpaceFor(vmxOf(host, recipe.name), source);
    throw error;
  }
}

/** A note on the image, where commands show what a person should know. */
function asWarning(message: string): Problem {
  return { severity: 'warning', key: '', message };
}

/** Refuses an invalid request before anything is downloaded or written. Returns the warnings. */
async function checkRequest(host: Host, request: CreateMachine, arch: Arch): Promise<ModelProblem[]> {
  checkMachineName(request.name);
  await refuseTakenName(host, request.name);
  checkSeedUser(request);
  if (request.guestOS !== undefined) checkGuestOs(request.guestOS);
  if (request.diskBytes !== undefined) diskSize(request.diskBytes);
  if (request.iso !== undefined) await checkInstallIso(request.iso);
  const model = modelOf(request, arch);
  refuseProblems(validateModel(model));
  const { problems } = applySettings(createDocument(model), request.settings ?? []);
  refuseProblems(problems);
  return problems;
}

/**
 * Creates a machine from an image, or with an empty disk for an installation ISO. It appears complete or not at all.
 * @throws KameError INVALID_NAME, INVALID_VALUE, ALREADY_EXISTS, NO_SUCH_IMAGE, BAD_IMAGE, CHECKSUM_MISMATCH,
 * DOWNLOAD_FAILED, DISK_FULL, ENGINE_MISSING, CANCELLED
 */
export async function create(host: Host, asked: CreateMachine, progress: Progress): Promise<MachineDetails> {
  const request = { ...asked, name: plainName(asked.name) };
  const subject = { key: `name:${request.name}`, machine: request.name, verb: 'create' } as const;
  return await host.operations.exclusive(subject, async () => {
    const arch = archOf(request);
    const warnings = await checkRequest(host, request, arch);
    const source = await imageFor(host, request, arch, progress);
    const model = planModel(request, source, arch);
    refuseProblems(validateModel(model));
    const tools = model.kame.seed === undefined ? undefined : await toolsProgram(model.arch);
    const recipe = createRecipe(request, model, source, tools);
    const vmx = await build(host, recipe, source, progress);
    // A machine with this path may have been unregistered and then deleted by hand.
    await host.inventory.register(vmx);
    const bundle = await host.bundles.read(vmx);
    host.events.emit({
      ...bundleEvent('machine.created', bundle, `${bundle.name} was created.`),
      state: 'stopped',
    });
    const notes = [...(source?.notes ?? []), ...seedNotes(source, request)].map(asWarning);
    return withWarnings(await describe(host, bundle), [...warnings, ...notes]);
  });
}
