import { basename } from 'node:path/posix';
import { KameError } from '../../core/errors.ts';
import type { Arch } from '../../model/machine.ts';
import type { FirmwareDescriptor } from './descriptor.ts';

export interface FirmwareWish {
  readonly arch: Arch;
  /** Versioned, such as `virt-7.2`. */
  readonly machineType: string;
  /** With keys enrolled, so that it is enforced. */
  readonly secureBoot: boolean;
  /** Whether the machine and accelerator can run firmware that needs SMM. */
  readonly smmPossible: boolean;
}

/** Whether a pattern with `*` and `?` matches a whole name. Linear time per star, so a hostile pattern is harmless. */
export function globMatches(pattern: string, name: string): boolean {
  let at = 0;
  let star = -1;
  let mark = 0;
  let from = 0;
  while (from < name.length) {
    const sign = pattern[at];
    if (sign === '*') {
      star = at;
      mark = from;
      at += 1;
    } else if (sign === '?' || sign === name[from]) {
      at += 1;
      from += 1;
    } else if (star !== -1) {
      at = star + 1;
      mark += 1;
      from = mark;
    } else return false;
  }
  return [...pattern.slice(at)].every((sign) => sign === '*');
}

/** Why a firmware is not suitable; undefined if it is. */
function objection(firmware: FirmwareDescriptor, wish: FirmwareWish): string | undefined {
  const targets = firmware.targets.filter((target) => target.architecture === wish.arch);
  if (targets.length === 0) return 'other architecture';
  const machines = targets.flatMap((target) => target.machines);
  if (!machines.some((pattern) => globMatches(pattern, wish.machineType)))
    return `not for ${wish.machineType}`;
  const has = (feature: string): boolean => firmware.features.includes(feature);
  if (wish.secureBoot && !(has('secure-boot') && has('enrolled-keys')))
    return 'no Secure Boot with enrolled keys';
  if (!wish.secureBoot && has('enrolled-keys')) return 'enforces Secure Boot';
  if (!wish.secureBoot && has('requires-smm')) return 'needs SMM, which is used only for Secure Boot';
  if (has('requires-smm') && !wish.smmPossible) return 'needs SMM, which this machine cannot have';
  if (firmware.missing !== undefined) return `${firmware.missing} is missing`;
  return undefined;
}

/**
 * The first suitable firmware. QEMU requires sorting them by file name, which the caller has done.
 * @throws KameError ENGINE_MISSING naming every candidate of the architecture and why it is not suitable
 */
export function pickFirmware(all: readonly FirmwareDescriptor[], wish: FirmwareWish): FirmwareDescriptor {
  const reasons: string[] = [];
  for (const firmware of all) {
    const reason = objection(firmware, wish);
    if (reason === undefined) return firmware;
    if (reason !== 'other architecture') reasons.push(`${basename(firmware.file)}: ${reason}`);
  }
  const what = `UEFI firmware${wish.secureBoot ? ' with Secure Boot' : ''} for ${wish.arch}`;
  const seen = reasons.length === 0 ? 'No descriptor was found.' : `Not suitable: ${reasons.join('; ')}.`;
  throw new KameError(
    'ENGINE_MISSING',
    `No ${what} was found for the machine type ${wish.machineType}. ${seen}`,
    {
      next: 'Install it. Debian and Ubuntu: `apt install qemu-efi-aarch64 ovmf`; macOS: `brew install qemu` includes it.',
    },
  );
}
