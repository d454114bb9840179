import type { MachineDetails, Problem } from '../../api/machine.ts';
import { KameError } from '../../core/errors.ts';
import type { MachineModel } from '../../model/machine.ts';
import { isLive } from '../../model/live-settings.ts';
import { refuseProblems } from '../../model/problem.ts';
import { readModel } from '../../model/read.ts';
import { applySettings, type SettingChange } from '../../model/settings.ts';
import { contentOf, readVmx, writeVmx, type Bundle } from '../../store/bundle.ts';
import type { MachineNames } from '../../store/names.ts';
import { bundleEvent } from '../host/events.ts';
import { findBundle } from '../host/find.ts';
import { hold, withLock } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { agree, outsideFiles } from '../host/outside-files.ts';
import { cannot } from '../host/verbs.ts';
import { tidy } from '../layers/tidy.ts';
import { describe } from '../running/describe.ts';

/** Adds warnings about a request, such as an unknown key, to the problems of the machine. */
export function withWarnings(details: MachineDetails, warnings: readonly Problem[]): MachineDetails {
  const unreported = warnings.filter(
    ({ message }) => !details.problems.some((problem) => problem.message === message),
  );
  const added = unreported.map(({ severity, key, message }) => ({ severity, key, message }));
  return { ...details, problems: [...details.problems, ...added] };
}

/** Refuses changes of a suspended machine, whose saved memory depends on its hardware, unless they discard that memory. */
function refuseSuspended(bundle: Bundle, before: MachineModel, after: MachineModel): void {
  if (before.suspendedState === '' || after.suspendedState === '') return;
  throw new KameError('WRONG_STATE', `${cannot('change', bundle.name)} while it is suspended.`, {
    next: `Resume it with kame start ${bundle.name}, or discard its memory with --discard-state, and then stop it.`,
    details: { machine: bundle.name },
  });
}

/** Whoever sets a path agrees to the file. Files that the machine named before stay as they are. */
async function agreeToNew(host: Host, names: MachineNames, before: MachineModel, after: MachineModel) {
  const known = new Set((await outsideFiles(names, before)).map(({ path }) => path));
  const added = (await outsideFiles(names, after)).filter(({ path }) => !known.has(path));
  await agree(host, names.vmx, added);
}

/** The bytes of a machine's `.vmx`. @throws KameError NO_SUCH_MACHINE, FILE_ACCESS, INVALID_VALUE if it is too large */
export async function vmxOf(host: Host, reference: string): Promise<Buffer> {
  return await readVmx((await findBundle(host, reference)).names.vmx);
}

/**
 * Changes settings of a stopped machine: all of them or none. Those that are not about its hardware may be changed in any state.
 * @throws KameError WRONG_STATE unless it is stopped, INVALID_VALUE naming the key, the value and the allowed values
 */
export async function changeSettings(
  host: Host,
  reference: string,
  settings: readonly SettingChange[],
): Promise<MachineDetails> {
  const areLive = settings.every(({ key }) => isLive(key));
  const request = { verb: 'change', needs: areLive ? 'any' : 'stopped' } as const;
  const { vmx, warnings } = await hold(host, reference, request, async ({ bundle, machine }) => {
    const { document, model } = contentOf(bundle);
    const { doc, problems } = applySettings(document, settings);
    refuseProblems(problems);
    if (areLive) {
      const write = async () => await writeVmx(bundle.names.vmx, doc);
      await (machine ? write() : withLock(bundle, write));
      return { vmx: bundle.names.vmx, warnings: problems };
    }
    refuseSuspended(bundle, model, readModel(doc).model);
    await agreeToNew(host, bundle.names, model, readModel(doc).model);
    await writeVmx(bundle.names.vmx, doc);
    if (model.suspendedState !== '') await tidy(host, await host.bundles.read(bundle.names.vmx));
    return { vmx: bundle.names.vmx, warnings: problems };
  });
  const changed = await host.bundles.read(vmx);
  const keys = settings.map(({ key }) => key).join(', ');
  const message = `The settings of ${changed.name} were changed: ${keys}.`;
  host.events.emit(bundleEvent('machine.changed', changed, message));
  return withWarnings(await describe(host, changed), warnings);
}
