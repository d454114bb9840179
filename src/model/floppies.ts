import type { Arch, Floppy } from './machine.ts';

/** The size of the largest floppy, 2.88 MB, in bytes. */
export const maxFloppyBytes = 2880 * 1024;

/**
 * Why a floppy drive with an image is not in the guest, or undefined if it is. Only a PC has floppies. A file outside the
 * machine’s directory must be agreed to before any start, like that of a CD.
 */
export function whyNotAttached({ fileName, startConnected }: Floppy, arch: Arch): string | undefined {
  if (fileName === null) return 'it is empty';
  if (arch !== 'x86_64') return 'an ARM machine has no floppy drive';
  return startConnected ? undefined : 'startConnected is FALSE';
}

/** The floppy drives that the guest gets, each with an image. */
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
