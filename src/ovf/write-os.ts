import { findGuestOs, type GuestOsFamily } from '../model/guest-os.ts';
import { cimOsTypes } from './os-types.ts';
import { element, type NewElement } from './write-xml.ts';

/** Spellings of vSphere that differ from those of a `.vmx` in more than their endings. */
const vsphereSpellings: readonly (readonly [RegExp, string])[] = [
  [/^longhorn/, 'winLonghorn'],
  [/^winxppro/, 'winXPPro'],
  [/^winvista/, 'winVista'],
  [/^winnetstandard/, 'winNetStandard'],
  [/^winnetenterprise/, 'winNetEnterprise'],
  [/^winnetbusiness/, 'winNetBusiness'],
  [/^winnetdatacenter/, 'winNetDatacenter'],
  [/^winnetweb/, 'winNetWeb'],
  // Windows Server 2016 and newer keep `srv`.
  [/^(windows\d{1,2})srv$/, '$1Server'],
  [/^(other.*|oracle|generic)linux$/, '$1Linux'],
];

/**
 * `vmw:osType`, the id that vSphere has for a guest OS id of a `.vmx`: `debian12_64Guest` for `debian12-64`. vSphere has none for
 * ARM; these are written as they are in a `.vmx`, as Fusion does.
 */
export function vmwareOsType(guestOS: string): string {
  if (/^arm-/i.test(guestOS)) return guestOS;
  if (guestOS === 'other-64') return 'otherGuest64';
  const is64 = guestOS.endsWith('-64');
  const stem = is64 ? guestOS.slice(0, -'-64'.length) : guestOS;
  const name = vsphereSpellings
    .reduce((text, [form, spelling]) => text.replace(form, spelling), stem)
    .replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  const underscored = /(?:\d|srv)$|^(?:alma|rocky)linux$/.test(name);
  return `${name}${is64 ? (underscored ? '_64' : '64') : ''}Guest`;
}

/** Numbers of CIM for systems that the table does not have, by family, for 32 and 64 bits. */
const byFamily: Record<GuestOsFamily, readonly [number, number]> = {
  linux: [36, 101],
  windows: [105, 120],
  freebsd: [42, 78],
  darwin: [2, 2],
  esxi: [104, 104],
  other: [1, 102],
};

/** Without version and architecture: `debian-64` for `arm-debian12-64`. */
function kindOf(guestOS: string): string {
  return guestOS
    .toLowerCase()
    .replace(/^arm-/, '')
    .replace(/\d*(?=-64$|$)/, '');
}

/** The number of CIM for a guest OS id of a `.vmx`: the exact one, one of another version, or one of the family. */
export function cimOsType(guestOS: string): number {
  const id = guestOS.toLowerCase();
  const exact = cimOsTypes.find(([, known]) => known === id);
  // Versions of Windows are systems of their own.
  const kind = /^(?:arm-)?win/.test(id)
    ? undefined
    : cimOsTypes.findLast(([, known]) => kindOf(known) === kindOf(id));
  const { family } = findGuestOs(guestOS).os;
  return (exact ?? kind)?.[0] ?? byFamily[family][id.endsWith('-64') ? 1 : 0];
}

/** The section that says which system the guest has. */
export function operatingSystemSection(guestOS: string): NewElement {
  const { name } = findGuestOs(guestOS).os;
  return element(
    'OperatingSystemSection',
    [element('Info', 'The operating system in the machine'), element('Description', name)],
    { 'ovf:id': String(cimOsType(guestOS)), 'vmw:osType': vmwareOsType(guestOS) },
  );
}
