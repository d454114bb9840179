import type { MachineDetails } from '../../api/machine.ts';
import { KameError } from '../../core/errors.ts';
import type { MachineSpec } from '../../model/machine.ts';
import { readSpec } from '../../model/read.ts';
import { problemsToError, type SpecProblem } from '../../model/problem.ts';
import { applySettings, type SettingChange } from '../../model/settings.ts';
import { contentOf, writeMachineFile, type MachineFile } from '../../store/bundle.ts';
import { tidy } from '../layers/tidy.ts';
import { describe } from '../running/describe.ts';
import { findMachine } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import { whileStopped } from './inventory.ts';

/** @throws KameError INVALID_VALUE naming every key that is wrong */
export function refuseProblems(problems: readonly SpecProblem[]): void {
  const error = problemsToError(problems);
  if (error) throw error;
}

/** Adds what was odd about the request, such as a key that nobody knows, to what the file itself tells. */
export function withWarnings(details: MachineDetails, warnings: readonly SpecProblem[]): MachineDetails {
  const unsaid = warnings.filter(
    ({ message }) => !details.problems.some((problem) => problem.message === message),
  );
  const added = unsaid.map(({ severity, key, message }) => ({ severity, key, message }));
  return { ...details, problems: [...details.problems, ...added] };
}

/** What is suspended has hardware that its memory knows; only dropping that memory is possible. */
function refuseSuspended(file: MachineFile, before: MachineSpec, after: MachineSpec): void {
  if (before.suspendedState === '' || after.suspendedState === '') return;
  throw new KameError('WRONG_STATE', `${file.name} is suspended; its settings can’t be changed.`, {
    next: `kame start ${file.name} goes on with it; kame start ${file.name} --discard-state drops what was in its memory.`,
    details: { machine: file.name },
  });
}

/**
 * Changes settings of a stopped machine: all of them or none.
 * @throws KameError WRONG_STATE while it runs, INVALID_VALUE naming key, value and what is allowed
 */
export async function changeSettings(
  host: Host,
  reference: string,
  settings: readonly SettingChange[],
): Promise<MachineDetails> {
  const file = await findMachine(host, reference);
  const warnings = await whileStopped(host, file, 'changed', async () => {
    const { document, spec } = contentOf(file);
    const { doc, problems } = applySettings(document, settings);
    refuseProblems(problems);
    refuseSuspended(file, spec, readSpec(doc).spec);
    await writeMachineFile(file.names.vmx, doc);
    if (spec.suspendedState !== '') await tidy(host, await host.files.read(file.names.vmx));
    return problems;
  });
  const changed = await host.files.read(file.names.vmx);
  host.events.emit({
    type: 'machine.changed',
    machine: changed.name,
    id: changed.content?.spec.uuid ?? null,
    state: null,
    message: `The settings of ${changed.name} were changed: ${settings.map(({ key }) => key).join(', ')}.`,
  });
  return withWarnings(await describe(host, changed), warnings);
}
