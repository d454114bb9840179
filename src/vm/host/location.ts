import { createHash } from 'node:crypto';
import { uuidFromVmx, uuidToVmx } from '../../model/uuid.ts';
import type { Bundle } from '../../store/bundle.ts';
import { getText } from '../../vmx/document.ts';

/**
 * VMware derives `uuid.location` from the place of a `.vmx`, and asks "moved or copied?" when it does not fit any more. How
 * is not published, so a value of Kame has a seal by which Kame knows its own: 56 4d as in VMware's, 6 bytes of a hash of the
 * path, and 8 bytes of a hash of those and `uuid.bios`.
 */
const prefix = '564d';

function hash(text: string, bytes: number): string {
  return createHash('sha256')
    .update(text)
    .digest('hex')
    .slice(0, bytes * 2);
}

function sealed(place: string, uuid: string): string {
  return `${place}${hash(`kame ${place} ${uuid}`, 8)}`;
}

/** The `uuid.location` of a machine with this UUID at this path. */
export function locationAt(vmx: string, uuid: string): string {
  return uuidToVmx(sealed(`${prefix}${hash(vmx, 6)}`, uuid));
}

/**
 * Whether a `.vmx` is where Kame last saw it (`here`), in another place (`elsewhere`), or has no place yet (`none`: new, or of
 * an older Kame). `foreign` is a place that another program wrote, which Kame cannot judge.
 */
export type Placement = 'here' | 'elsewhere' | 'none' | 'foreign';

/** Where a machine is, compared with its `uuid.location`. A machine that cannot be read has no place. */
export function placementOf({ content, names }: Bundle): Placement {
  if (!content) return 'none';
  const { uuid } = content.model;
  const location = uuidFromVmx(getText(content.document, 'uuid.location') ?? '');
  if (location === undefined || location === uuid) return 'none';
  const digits = location.replaceAll('-', '');
  if (digits !== sealed(digits.slice(0, 16), uuid)) return 'foreign';
  return uuidToVmx(location) === locationAt(names.vmx, uuid) ? 'here' : 'elsewhere';
}

/** Whether Kame last saw a machine at this path. */
export function wasLastAt({ content }: Bundle, vmx: string): boolean {
  if (!content) return false;
  const { uuid } = content.model;
  const location = uuidFromVmx(getText(content.document, 'uuid.location') ?? '');
  return location !== undefined && uuidToVmx(location) === locationAt(vmx, uuid);
}
