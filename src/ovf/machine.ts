import { defaultModel } from '../model/defaults.ts';
import { findGuestOs } from '../model/guest-os.ts';
import type { Firmware, MachineModel } from '../model/machine.ts';
import { adaptersOf, type NetworkMap } from './adapters.ts';
import { badOvf, quoted } from './bad-ovf.ts';
import type { Appliance } from './descriptor.ts';
import { resourceTypes } from './names.ts';
import { guestOsOf } from './os-types.ts';
import { storageOf, type Medium } from './storage.ts';
import { bytesOf } from './units.ts';

/** The machine that an appliance becomes. */
export interface ApplianceMachine {
  readonly model: MachineModel;
  /** Its disks and ISOs, in the order of the descriptor. */
  readonly media: readonly Medium[];
  /** What it lacks or does differently, as sentences. */
  readonly notes: readonly string[];
}

/** Devices that the machine has, or that make no difference to it. */
const silent: ReadonlySet<number> = new Set([
  resourceTypes.other,
  resourceTypes.cpu,
  resourceTypes.memory,
  resourceTypes.ide,
  resourceTypes.scsi,
  resourceTypes.ethernet,
  resourceTypes.floppy,
  resourceTypes.cdrom,
  resourceTypes.dvd,
  resourceTypes.disk,
  resourceTypes.storage,
  resourceTypes.usb,
  resourceTypes.graphics,
  resourceTypes.sound,
]);

const secureBootKeys: ReadonlySet<string> = new Set([
  'bootOptions.efiSecureBootEnabled',
  'uefi.secureBootEnabled',
  'uefi.secureBoot.enabled',
]);

function guestOsFor({ guest }: Appliance, notes: string[]): string {
  const known = guestOsOf(guest.cim, guest.vmware);
  if (known !== undefined) return known;
  const shown = guest.vmware ?? `number ${guest.cim}`;
  const what = guest.description === '' ? quoted(shown) : `${quoted(shown)} (${quoted(guest.description)})`;
  notes.push(`The guest system ${what} is not known; it is treated as other-64.`);
  return 'other-64';
}

function processors(path: string, { items }: Appliance) {
  const item = items.find(({ type }) => type === resourceTypes.cpu);
  if (!item) return {};
  const cpus = Number(item.quantity ?? 1);
  if (!Number.isSafeInteger(cpus) || cpus < 1) throw badOvf(path, 'has an invalid number of processors');
  const cores = item.coresPerSocket ?? 1;
  return { cpus, coresPerSocket: cpus % cores === 0 ? cores : 1 };
}

function memory(path: string, { items }: Appliance) {
  const item = items.find(({ type }) => type === resourceTypes.memory);
  if (!item) return {};
  // Without a unit, everybody means megabytes.
  const bytes = bytesOf(item.quantity, item.units ?? 'MegaBytes');
  if (bytes === undefined || bytes === 0) throw badOvf(path, 'has an invalid amount of memory');
  return { memoryMiB: Math.ceil(bytes / 2 ** 20) };
}

/** VMware boots by BIOS unless the descriptor says otherwise; an ARM guest has only EFI. */
function firmwareOf({ configs, virtualBoxEfi }: Appliance, guestOS: string, name: string): Firmware {
  const values = new Map(configs.map(({ key, value }) => [key, value.toLowerCase()]));
  const isEfi =
    virtualBoxEfi || values.get('firmware') === 'efi' || findGuestOs(guestOS).os.arch === 'aarch64';
  const secureBoot = isEfi && [...secureBootKeys].some((key) => values.get(key) === 'true');
  return { kind: isEfi ? 'efi' : 'bios', secureBoot, nvram: `${name}.nvram` };
}

function refuseRequiredConfigs(path: string, { configs }: Appliance): void {
  const unknown = configs.find(
    ({ key, required }) => required && key !== 'firmware' && !secureBootKeys.has(key),
  );
  if (unknown) throw badOvf(path, `requires the setting ${quoted(unknown.key)}, which Kame does not know`);
}

function leftOut({ items }: Appliance): string[] {
  return items.flatMap(({ type, name, required }) =>
    silent.has(type) || !required ? [] : [`The device ${quoted(name)} (type ${type}) is left out.`],
  );
}

/**
 * The machine that an appliance becomes. It keeps the kinds of its devices, since its guest has drivers for them.
 * @param path name of the descriptor, for messages
 * @throws KameError BAD_IMAGE naming what cannot be honoured
 */
export function machineOf(
  path: string,
  appliance: Appliance,
  { name, uuid, networks }: { readonly name: string; readonly uuid: string; readonly networks: NetworkMap },
): ApplianceMachine {
  const notes: string[] = [];
  refuseRequiredConfigs(path, appliance);
  const guestOS = guestOsFor(appliance, notes);
  const storage = storageOf(path, appliance, guestOS);
  const adapters = adaptersOf(path, appliance, { uuid, guestOS, networks });
  const has = (type: number) => appliance.items.some((item) => item.type === type);
  const { os } = findGuestOs(guestOS);
  const { hardwareVersion } = appliance;
  const model = defaultModel({
    name,
    uuid,
    guestOS,
    annotation: appliance.annotation,
    ...(hardwareVersion === undefined ? {} : { hardwareVersion }),
    ...processors(path, appliance),
    ...memory(path, appliance),
    firmware: firmwareOf(appliance, guestOS, name),
    controllers: storage.controllers,
    disks: storage.disks,
    cdroms: storage.cdroms,
    floppies: has(resourceTypes.floppy) ? [{ index: 0, fileName: null, startConnected: false }] : [],
    nics: adapters.nics,
    sound: { ...os.sound, present: has(resourceTypes.sound) },
    tpm: false,
  });
  return {
    model,
    media: storage.media,
    notes: [...notes, ...storage.notes, ...adapters.notes, ...leftOut(appliance)],
  };
}
