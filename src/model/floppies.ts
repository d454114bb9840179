import type { Arch, Floppy } from './machine.ts';
import { bundleFile } from './paths.ts';

/** The size of the largest floppy, 2.88 MB, in bytes. */
export const maxFloppyBytes = 2880 * 1024;

/**
 * Why a floppy drive with an image is not in the guest, or undefined if it is. Only a PC has floppies, and an image
 * must be in the bundle: no guest reads another file of the host because a foreign `.vmx` names it.
 */
export function whyNotAttached({ fileName, startConnected }: Floppy, arch: Arch): string | undefined {
  if (fileName === null) return 'it is empty';
  if (arch !== 'x86_64') return 'an ARM machine has no floppy drive';
  if (!bundleFile(fileName)) return 'it is not in the directory of the machine';
  return startConnected ? undefined : 'startConnected is FALSE';
}

/** The floppy drives that the guest gets, each with an image in the bundle. */
export function attachedFloppies(machine: {
  readonly floppies: readonly Floppy[];
  readonly arch: Arch;
}): { readonly index: number; readonly fileName: string }[] {
  return machine.floppies.flatMap((floppy) =>
    floppy.fileName !== null && whyNotAttached(floppy, machine.arch) === undefined
      ? [{ index: floppy.index, fileName: floppy.fileName }]
      : [],
  );
}
