import { existsSync } from 'node:fs';
import { lstat, rm } from 'node:fs/promises';
import { KameError } from '../../core/errors.ts';
import { ImageFile } from '../../disk/format/image-file.ts';
import type { MachineModel } from '../../model/machine.ts';
import { applyModel } from '../../model/write.ts';
import { contentOf, writeVmx, type Bundle } from '../../store/bundle.ts';
import { isVariablesFile, resolveIn, type CheckpointNames, type MachineNames } from '../../store/names.ts';
import { copySparse } from '../../sys/copy-sparse.ts';
import { openOwn } from '../../sys/own-file.ts';
import type { Host } from '../host/host.ts';

/** How VMware's nvram begins, as written by Workstation, Fusion and ESXi. EDK2's begins with a volume header. */
const vmwareMagic = 'MRVN';
const maxOwnNames = 10;

async function isVmwareNvram(path: string): Promise<boolean> {
  try {
    await using file = await ImageFile.open(path, { follow: false });
    return (await file.readUpTo(0, vmwareMagic.length)).toString('latin1') === vmwareMagic;
  } catch (error) {
    // What cannot be read is not VMware's; the start reports it.
    if (error instanceof KameError) return false;
    throw error;
  }
}

/** A name for the variables of the guest: one that is free, or that has such a file already. */
async function ownName(names: MachineNames): Promise<string> {
  for (let number = 1; number <= maxOwnNames; number += 1) {
    const name = `${names.stem}-efi${number === 1 ? '' : number}.nvram`;
    const path = resolveIn(names, name);
    const found = await lstat(path).catch(() => undefined);
    if (!found || (found.isFile() && !(await isVmwareNvram(path)))) return name;
  }
  throw new KameError(
    'FILE_ACCESS',
    `${names.directory} has no free name for the EFI variables of the guest.`,
    {
      next: `Remove or rename ${names.stem}-efi.nvram there, and those with a number.`,
      details: { path: names.directory },
    },
  );
}

/** Whether the file with the EFI variables of a machine is VMware's, which no other program can use. */
export async function hasVmwareVariables(names: MachineNames, model: MachineModel): Promise<boolean> {
  if (model.firmware.kind !== 'efi' || model.kame.directBoot) return false;
  return await isVmwareNvram(resolveIn(names, model.firmware.nvram));
}

/** The model with EFI variables that QEMU can use: in a file of their own, if those that it names are VMware's. */
export async function withOwnVariables(names: MachineNames, model: MachineModel): Promise<MachineModel> {
  if (!(await hasVmwareVariables(names, model))) return model;
  const { firmware } = model;
  const vmwareNvram = firmware.vmwareNvram ?? firmware.nvram;
  return { ...model, firmware: { ...firmware, nvram: await ownName(names), vmwareNvram } };
}

/** Records withOwnVariables in the `.vmx` (`kame.nvram`) before a start, so that snapshots and clones use that file too. */
export async function ensureOwnVariables(host: Host, bundle: Bundle): Promise<Bundle> {
  const { content, names } = bundle;
  if (!content || bundle.broken !== null) return bundle;
  const model = await withOwnVariables(names, content.model);
  if (model === content.model) return bundle;
  await writeVmx(names.vmx, applyModel(content.document, content.model, model));
  return await host.bundles.read(names.vmx);
}

/** Checks that the EFI variables of a checkpoint can be restored, if it has any. @throws KameError FILE_ACCESS */
export async function checkVariables({ nvram }: CheckpointNames): Promise<void> {
  if (await lstat(nvram).catch(() => undefined)) await (await openOwn(nvram)).close();
}

/**
 * Gives a machine the EFI variables of the snapshot to which it is being reverted. Those of a snapshot from before the first
 * start are made anew by the next start, as they were by the first.
 * @param bundle with the configuration of the snapshot
 * @throws KameError DISK_FULL, FILE_ACCESS
 */
export async function restoreVariables(bundle: Bundle, checkpoint: CheckpointNames): Promise<void> {
  const { names } = bundle;
  const { model } = contentOf(bundle);
  if (model.kame.directBoot) return;
  const named = resolveIn(names, model.firmware.nvram);
  const isKept = existsSync(checkpoint.nvram);
  if (isKept) await copySparse(checkpoint.nvram, named);
  // A snapshot without a configuration is another program's, which keeps the variables in a place of its own.
  if (!existsSync(checkpoint.config) || model.firmware.kind !== 'efi') return;
  const used = resolveIn(names, (await withOwnVariables(names, model)).firmware.nvram);
  if ((isKept && used === named) || !isVariablesFile(names, used)) return;
  if ((await lstat(used).catch(() => undefined))?.isFile()) await rm(used, { force: true });
}
