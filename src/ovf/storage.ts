import { buses, scsiReservedUnit, unitsOf } from '../model/devices.ts';
import { archOfGuestOs, unnamedDevices } from '../model/guest-os.ts';
import type { Cdrom, Controller, Disk, StorageSlot } from '../model/machine.ts';
import { compareControllers, compareSlots, controllerName, slotName } from '../model/slots.ts';
import { badOvf, quoted } from './bad-ovf.ts';
import type { Appliance } from './descriptor.ts';
import type { OvfItem } from './items.ts';
import { controllerTypes, resourceTypes } from './names.ts';
import type { OvfDisk, OvfFile } from './package-files.ts';

/** A disk of the new machine, or an ISO in one of its drives: the file in its bundle, and what it is made of. */
export interface Medium {
  readonly slot: string;
  readonly fileName: string;
  /** A disk; absent for an ISO. */
  readonly disk?: OvfDisk;
  /** Absent for an empty disk. */
  readonly file?: OvfFile;
}

export interface Storage {
  readonly controllers: readonly Controller[];
  readonly disks: readonly Disk[];
  readonly cdroms: readonly Cdrom[];
  readonly media: readonly Medium[];
  /** What the machine lacks or does differently, as sentences. */
  readonly notes: readonly string[];
}

const controllerItems: ReadonlySet<number> = new Set([
  resourceTypes.ide,
  resourceTypes.scsi,
  resourceTypes.storage,
]);
const cdItems: ReadonlySet<number> = new Set([resourceTypes.cdrom, resourceTypes.dvd]);
const maxMedia = 128;

/** Several names in a subtype, of which the first that is known counts. */
export function subTypes(item: OvfItem): string[] {
  return item.subType.toLowerCase().split(/[\s,]+/u);
}

/** Gives the storage devices of an appliance their places in a machine. */
class Placement {
  readonly #path: string;
  readonly #appliance: Appliance;
  readonly #guestOS: string;
  readonly #byItem = new Map<string, Controller>();
  readonly #taken = new Set<string>();
  readonly #used = new Set<string>();
  readonly controllers: Controller[] = [];
  readonly disks: Disk[] = [];
  readonly cdroms: Cdrom[] = [];
  readonly media: Medium[] = [];
  readonly notes: string[] = [];

  constructor(path: string, appliance: Appliance, guestOS: string) {
    this.#path = path;
    this.#appliance = appliance;
    this.#guestOS = guestOS;
  }

  addController(item: OvfItem): void {
    const { bus, model } = this.#kindFor(item);
    const used = new Set(this.controllers.filter((known) => known.bus === bus).map(({ index }) => index));
    const free = Array.from({ length: buses[bus].controllers }, (_none, index) => index).filter(
      (index) => !used.has(index),
    );
    const wanted = Number(item.address ?? Number.NaN);
    const index = free.includes(wanted) ? wanted : free[0];
    if (index === undefined)
      throw badOvf(this.#path, `has more than ${buses[bus].controllers} controllers of the kind ${bus}`);
    const controller = { bus, index, model };
    this.controllers.push(controller);
    this.#byItem.set(item.instanceId, controller);
  }

  /** An ARM machine has no IDE. */
  #kindFor(item: OvfItem): Pick<Controller, 'bus' | 'model'> {
    const kind = this.#kindOf(item);
    if (kind.bus !== 'ide' || archOfGuestOs(this.#guestOS) !== 'aarch64') return kind;
    this.notes.push('An ARM machine has no IDE: what was on an IDE controller is on a SATA controller.');
    return { bus: 'sata', model: 'ahci' };
  }

  #kindOf(item: OvfItem): Pick<Controller, 'bus' | 'model'> {
    const rows = controllerTypes.filter(({ type }) => type === item.type);
    const found = subTypes(item)
      .map((name) => rows.find(({ subType }) => subType.toLowerCase() === name))
      .find((row) => row !== undefined);
    if (found) return found;
    if (item.type === resourceTypes.ide) return { bus: 'ide', model: 'ide' };
    const kind =
      item.type === resourceTypes.scsi
        ? { bus: 'scsi' as const, model: unnamedDevices(this.#guestOS).scsi }
        : { bus: 'sata' as const, model: 'ahci' as const };
    if (item.subType !== '')
      this.notes.push(
        `The controller ${quoted(item.subType)} is not known: the guest gets ${kind.model} instead.`,
      );
    return kind;
  }

  /** The controller of a device; without one in the descriptor, the first there is, or SATA. */
  #controllerOf(item: OvfItem): Controller {
    const known = item.parent === undefined ? this.controllers[0] : this.#byItem.get(item.parent);
    if (known) return known;
    if (
      item.parent !== undefined &&
      this.#appliance.items.some(({ instanceId }) => instanceId === item.parent)
    )
      throw badOvf(this.#path, `has the device ${quoted(item.name)} on something that is not a controller`);
    const made: Controller = { bus: 'sata', index: 0, model: 'ahci' };
    const exists = this.controllers.find(({ bus, index }) => bus === made.bus && index === made.index);
    if (!exists) this.controllers.push(made);
    return exists ?? made;
  }

  #place(item: OvfItem): StorageSlot {
    const { bus, index: controller, model } = this.#controllerOf(item);
    const count = Math.min(unitsOf(model), buses[bus].units);
    const free = Array.from({ length: count }, (_none, unit) => unit).filter(
      (unit) =>
        !(bus === 'scsi' && unit === scsiReservedUnit) &&
        !this.#taken.has(slotName({ bus, controller, unit })),
    );
    const wanted = Number(item.addressOnParent ?? Number.NaN);
    const unit = free.includes(wanted) ? wanted : free[0];
    if (unit === undefined)
      throw badOvf(
        this.#path,
        `has more devices on ${controllerName({ bus, index: controller })} than it can have`,
      );
    const slot = { bus, controller, unit };
    this.#taken.add(slotName(slot));
    if (this.#taken.size > maxMedia) throw badOvf(this.#path, `has more than ${maxMedia} disks and drives`);
    return slot;
  }

  /** What a device is made of. */
  #resource(item: OvfItem): { readonly disk?: OvfDisk; readonly file?: OvfFile } {
    const [, kind, id = ''] = /^(?:ovf:)?\/(disk|file)\/(.{1,200})$/u.exec(item.resource ?? '') ?? [];
    if (kind === undefined) return {};
    const { disks, files } = this.#appliance;
    const disk = kind === 'disk' ? disks.get(id) : undefined;
    const file = kind === 'file' ? files.get(id) : disk?.file;
    if (kind === 'disk' ? !disk : !file)
      throw badOvf(this.#path, `has a device with the ${kind} ${quoted(id)}, which it does not describe`);
    if (file && this.#used.has(file.href))
      throw badOvf(this.#path, `uses the file ${quoted(file.href)} for two devices`);
    if (file) this.#used.add(file.href);
    return { ...(disk ? { disk } : {}), ...(file ? { file } : {}) };
  }

  addDisk(item: OvfItem): void {
    const { disk, file } = this.#resource(item);
    if (!disk && !file) {
      this.notes.push(`The disk ${quoted(item.name)} is left out: it is not in the appliance.`);
      return;
    }
    const slot = this.#place(item);
    const fileName = `disk${this.disks.length}.qcow2`;
    this.disks.push({ ...slot, fileName, mode: 'persistent' });
    this.media.push({
      slot: slotName(slot),
      fileName,
      disk: disk ?? assumedDisk(file),
      ...(file ? { file } : {}),
    });
  }

  addDrive(item: OvfItem): void {
    const { file } = this.#resource(item);
    const slot = this.#place(item);
    const fileName = file ? `cd${this.cdroms.length}.iso` : null;
    this.cdroms.push({ ...slot, fileName, startConnected: file !== undefined && item.startConnected });
    if (file && fileName !== null) this.media.push({ slot: slotName(slot), fileName, file });
  }
}

/** A disk that is only given as a file: how large it is, that says. */
function assumedDisk(file: OvfFile | undefined): OvfDisk {
  return { id: '', capacityBytes: 0, format: '', ...(file ? { file } : {}) };
}

/** The controllers, disks and CD drives of the machine. @throws KameError BAD_IMAGE */
export function storageOf(path: string, appliance: Appliance, guestOS: string): Storage {
  const { items } = appliance;
  const placement = new Placement(path, appliance, guestOS);
  for (const item of items) if (controllerItems.has(item.type)) placement.addController(item);
  for (const item of items) {
    if (item.type === resourceTypes.disk) placement.addDisk(item);
    if (cdItems.has(item.type)) placement.addDrive(item);
  }
  const { controllers, disks, cdroms, media, notes } = placement;
  return {
    controllers: controllers.sort(compareControllers),
    disks: disks.sort(compareSlots),
    cdroms: cdroms.sort(compareSlots),
    media,
    notes,
  };
}
