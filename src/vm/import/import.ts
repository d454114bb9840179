import type { ImportedMachine, ImportMachine, ImportReport } from '../../api/import.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { checkMachineName, plainName } from '../../model/name.ts';
import type { Bundle } from '../../store/bundle.ts';
import { exists } from '../../sys/files.ts';
import { getText } from '../../vmx/document.ts';
import { buildBundle } from '../bundle/build.ts';
import { bundleEvent } from '../host/events.ts';
import { findBundle, refuseTakenName } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import { remove } from '../library/delete.ts';
import { describe } from '../running/describe.ts';
import { originKey, planImport, type ImportPlan } from './plan.ts';
import { readSource } from './source.ts';

async function planFor(host: Host, source: Bundle, name: string, progress: Progress): Promise<ImportPlan> {
  checkMachineName(name);
  await refuseTakenName(host, name);
  return await planImport(host, source, name, progress);
}

/**
 * What an import would do and what the new machine would lack. Writes nothing.
 * @throws KameError as importMachine
 */
export async function reportImport(
  host: Host,
  request: ImportMachine,
  progress: Progress,
): Promise<ImportReport> {
  const source = await readSource(request.path);
  return (await planFor(host, source, plainName(request.name ?? source.name), progress)).report;
}

/**
 * Makes a machine with copies of the disks of a foreign one, whose files are only read. It appears complete or not at all.
 * @throws KameError USAGE, BROKEN_MACHINE when the original cannot be read or is encrypted, WRONG_STATE while it is open,
 * INVALID_NAME, ALREADY_EXISTS, BAD_IMAGE, DISK_FULL, FILE_ACCESS, ENGINE_MISSING, CANCELLED
 */
export async function importMachine(
  host: Host,
  request: ImportMachine,
  progress: Progress,
): Promise<ImportedMachine> {
  const source = await readSource(request.path);
  const name = plainName(request.name ?? source.name);
  const subject = { key: `name:${name}`, machine: name, verb: 'import' } as const;
  return await host.operations.exclusive(subject, async () => {
    const { report, recipe } = await planFor(host, source, name, progress);
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
  if (!(await exists(origin))) {
    throw new KameError(
      'WRONG_STATE',
      `The original of ${name}, ${origin}, is no longer there: ${name} may be the only copy.`,
      { next: `\`kame delete ${name}\` deletes it all the same.`, details },
    );
  }
  return await remove(host, names.vmx);
}
