import type { MachineDetails } from '../api/machine.ts';
import { problemsToError, type SpecProblem } from '../spec/problem.ts';
import { applySettings, type SettingChange } from '../spec/settings.ts';
import { contentOf, writeMachineFile } from '../store/machine-file.ts';
import { describe } from './describe.ts';
import { findMachine } from './find.ts';
import type { Host } from './host.ts';
import { whileStopped } from './inventory.ts';

/** @throws KameError INVALID_VALUE naming every key that is wrong */
export function refuseProblems(problems: readonly SpecProblem[]): void {
  const error = problemsToError(problems);
  if (error) throw error;
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
  await whileStopped(host, file, 'changed', async () => {
    const { doc, problems } = applySettings(contentOf(file).document, settings);
    refuseProblems(problems);
    await writeMachineFile(file.names.vmx, doc);
  });
  const changed = await host.files.read(file.names.vmx);
  host.events.emit({
    type: 'machine.changed',
    machine: changed.name,
    id: changed.content?.spec.uuid ?? null,
    state: null,
    message: `The settings of ${changed.name} were changed: ${settings.map(({ key }) => key).join(', ')}.`,
  });
  return await describe(host, changed);
}
