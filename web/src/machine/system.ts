import { guestOsRows } from '../../../src/model/guest-os-list.ts';
import type { System } from '../design/system-mark/systems.ts';

const rows = new Map(guestOsRows.map((row) => [row[0], row]));

/** The name of a guest system from VMware's id of it, without its architecture, which stands beside it; empty if there is none. */
export function systemName(guestOS: string): string {
  return (rows.get(guestOS)?.[1] ?? guestOS).replace(/, 64-bit( ARM)?$/, '');
}

/** What VMware's ids of guest systems begin with, after `arm-`. */
const beginnings: readonly (readonly [RegExp, System])[] = [
  [/^debian/, 'debian'],
  [/^ubuntu/, 'ubuntu'],
  [/^fedora/, 'fedora'],
  [/^win/, 'windows'],
  [/^freebsd/, 'freebsd'],
  [/linux|suse|sles|rhel|redhat|centos|photon|mandr|turbo|asianux|coreos|crx|nld|oes|sjds/, 'linux'],
];

/** The mark that a machine has for its guest system. */
export function systemOf(guestOS: string): System {
  const id = guestOS.toLowerCase().replace(/^arm-/, '');
  const known = beginnings.find(([form]) => form.test(id))?.[1];
  return known ?? (rows.get(guestOS)?.[2].startsWith('linux') ? 'linux' : 'other');
}
