import { KameError } from '../../core/errors.ts';
import { currentHardware, firstHardware } from '../../model/hardware.ts';
import type { MachineModel } from '../../model/machine.ts';
import { contentOf, writeVmx, type Bundle } from '../../store/bundle.ts';
import { edit } from '../../vmx/document.ts';

/**
 * The machine with the generation of hardware that it will have: a cold start moves it to the current one.
 * @throws KameError CHECKPOINT_MISMATCH for a state that a later version of Kame saved
 */
export function withHardware(bundle: Bundle, model: MachineModel, restores: boolean): MachineModel {
  const { hardware = firstHardware } = model.kame;
  if (!restores) return { ...model, kame: { ...model.kame, hardware: currentHardware } };
  if (hardware <= currentHardware) return model;
  throw new KameError(
    'CHECKPOINT_MISMATCH',
    `The saved state of ${bundle.name} has hardware of generation ${hardware}; this version of Kame knows ${currentHardware}.`,
    { next: 'Use the version of Kame that saved it, or a later one.', details: { machine: bundle.name } },
  );
}

/**
 * Records the versioned machine type of the first start, since an engine upgrade must not change a guest's hardware, and the
 * generation of the rest of the hardware, which a later restore must have again.
 */
export async function pinHardware(
  bundle: Bundle,
  { machineType, hardware }: { readonly machineType: string; readonly hardware: number },
): Promise<void> {
  const { document, model } = contentOf(bundle);
  const changes = new Map<string, string>();
  // A name without a version, such as `pc`, means another type to each engine.
  if (model.kame.machineType !== machineType) changes.set('kame.machineType', machineType);
  if ((model.kame.hardware ?? firstHardware) !== hardware) changes.set('kame.hardware', String(hardware));
  if (changes.size > 0) await writeVmx(bundle.names.vmx, edit(document, changes));
}
