import type { ImportedMachine, ImportMachine, ImportReport } from '../../api/import.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { MachineModel } from '../../model/machine.ts';
import { checkMachineName, plainName } from '../../model/name.ts';
import { readModel } from '../../model/read.ts';
import { unsavableControllers } from '../../qemu/plan/controllers.ts';
import { exists } from '../../sys/files.ts';
import { getText } from '../../vmx/document.ts';
import { buildBundle } from '../bundle/build.ts';
import { emulationForecast } from '../engine/forecast.ts';
import { bundleEvent } from '../host/events.ts';
import { findBundle, refuseTakenName, takenNameError } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import { remove } from '../library/delete.ts';
import { describe } from '../running/describe.ts';
import { openSource, type ImportSource } from './import-source.ts';
import { originKey, type ImportPlan } from './plan.ts';
import { uploadIdOf } from './upload.ts';
import { urlOf } from './url-stream.ts';

/** The name that was asked for, or that of the original. */
function nameFor(request: Pick<ImportMachine, 'name'>, source: ImportSource): string {
  const name = plainName(request.name ?? source.name);
  checkMachineName(name);
  return name;
}

/** What a machine cannot do because of its devices, as sentences. */
function limitsOf(model: MachineModel): string[] {
  return unsavableControllers(model).map(
    ({ device, reason, remedy }) =>
      `While it runs, it cannot be suspended or cloned, nor have snapshots with memory, because of ${device}. ${reason} ${remedy}`,
  );
}

/** Adds to the report of a plan what to expect of the machine on this host. @throws KameError CANCELLED */
async function addExpectations(
  host: Host,
  { report, recipe }: ImportPlan,
  progress: Progress,
): Promise<void> {
  const { model } = readModel(recipe.document);
  report.notes.push(...limitsOf(model));
  const forecast = await emulationForecast(host, model.arch, progress);
  if (forecast !== undefined) report.notes.push(forecast);
}

/** What the import of a source would do. Writes nothing. @throws KameError as importMachine, but not for a name that is taken */
export async function reportFrom(
  host: Host,
  source: ImportSource,
  request: Pick<ImportMachine, 'name'>,
  progress: Progress,
): Promise<ImportReport> {
  const name = nameFor(request, source);
  const plan = await source.plan(name);
  const taken = await takenNameError(host, name);
  if (taken) plan.report.notes.unshift(`${taken.message}. ${taken.next}`);
  await addExpectations(host, plan, progress);
  return plan.report;
}

/**
 * What an import would do and what the new machine would lack. Writes nothing.
 * @throws KameError as importMachine, but not for a name that is taken
 */
export async function reportImport(
  host: Host,
  request: ImportMachine,
  progress: Progress,
): Promise<ImportReport> {
  await using source = await openSource(host, request, progress);
  return await reportFrom(host, source, request, progress);
}

/** @throws KameError WRONG_STATE unless the licences are accepted */
function refuseUnaccepted({ eulas, source }: ImportReport, accepted: boolean | undefined): void {
  if (eulas.length === 0 || accepted === true) return;
  throw new KameError('WRONG_STATE', `${source} has a licence that must be accepted first.`, {
    next: 'Read it with --dry-run, and then import with --accept-eula.',
    details: { path: source },
  });
}

/** Makes the machine of a source. It appears complete or not at all. @throws KameError as importMachine */
export async function importFrom(
  host: Host,
  source: ImportSource,
  request: Omit<ImportMachine, 'path'>,
  progress: Progress,
): Promise<ImportedMachine> {
  const name = nameFor(request, source);
  const subject = { key: `name:${name}`, machine: name, verb: 'import' } as const;
  return await host.operations.exclusive(subject, async () => {
    await refuseTakenName(host, name);
    const plan = await source.plan(name);
    const { report, recipe } = plan;
    refuseUnaccepted(report, request.acceptEula);
    await addExpectations(host, plan, progress);
    const vmx = await buildBundle(host, recipe, progress);
    // A machine with this path may have been unregistered and then deleted by hand.
    await host.inventory.register(vmx);
    const bundle = await host.bundles.read(vmx);
    host.events.emit({
      ...bundleEvent('machine.created', bundle, `${bundle.name} was imported from ${report.source}.`),
      state: 'stopped',
    });
    return { machine: await describe(host, bundle), report };
  });
}

/**
 * Makes a machine with copies of the disks of a foreign machine, an appliance or a disk, whose files are only read. It appears
 * complete or not at all.
 * @throws KameError USAGE, BROKEN_MACHINE when the original cannot be read or is encrypted, WRONG_STATE while it is open or its
 * licence is not accepted, INVALID_NAME, INVALID_VALUE, ALREADY_EXISTS, NO_SUCH_IMAGE, BAD_IMAGE, CHECKSUM_MISMATCH,
 * DOWNLOAD_FAILED, DISK_FULL, FILE_ACCESS, ENGINE_MISSING, CANCELLED; BUSY while it is being uploaded
 */
export async function importMachine(
  host: Host,
  request: ImportMachine,
  progress: Progress,
): Promise<ImportedMachine> {
  const id = uploadIdOf(request.path);
  if (id === undefined) return await importOpened(host, request, progress);
  return await host.uploads.exclusive(id, async () => {
    const imported = await importOpened(host, request, progress);
    await host.uploads.remove(id).catch((error: unknown) => {
      host.log('Could not remove an upload that was imported', { upload: id, reason: messageOf(error) });
    });
    return imported;
  });
}

async function importOpened(
  host: Host,
  request: ImportMachine,
  progress: Progress,
): Promise<ImportedMachine> {
  await using source = await openSource(host, request, progress);
  return await importFrom(host, source, request, progress);
}

/**
 * Deletes an imported machine. The original, which no import writes, is as it was.
 * @returns the files that stay
 * @throws KameError WRONG_STATE while it is running, if it was not imported, or if the original is no longer there;
 * NO_SUCH_MACHINE, HAS_CLONES
 */
export async function undoImport(host: Host, reference: string): Promise<readonly string[]> {
  const { name, names, content } = await findBundle(host, reference);
  const origin = content && getText(content.document, originKey);
  const details = { machine: name, path: names.vmx };
  if (origin === undefined) {
    throw new KameError('WRONG_STATE', `${name} was not imported, so there is no import to undo.`, {
      next: `\`kame delete ${name}\` deletes it with its disks.`,
      details,
    });
  }
  if (urlOf(origin) || !(await exists(origin))) {
    throw new KameError(
      'WRONG_STATE',
      `The original of ${name}, ${origin}, is not on this computer: ${name} may be the only copy.`,
      { next: `\`kame delete ${name}\` deletes it all the same.`, details },
    );
  }
  return await remove(host, names.vmx);
}
