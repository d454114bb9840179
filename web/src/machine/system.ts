import { guestOsRows } from '../../../src/model/guest-os-list.ts';

const names = new Map(guestOsRows.map(([id, name]) => [id, name]));

/** The name of a guest system from VMware's id of it, without its architecture, which stands beside it; empty if there is none. */
export function systemName(guestOS: string): string {
  return (names.get(guestOS) ?? guestOS).replace(/, 64-bit( ARM)?$/, '');
}

/** The letter on the screen of a machine that shows none. */
export function systemMark(guestOS: string): string {
  return systemName(guestOS).charAt(0).toUpperCase();
}
