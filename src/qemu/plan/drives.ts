import { KameError } from '../../core/errors.ts';
import type { BootDevice, Cdrom, Disk, StorageSlot } from '../../model/machine.ts';
import { slotName } from '../../model/slots.ts';
import type { PlanBuilder } from './builder.ts';
import { controllerOf, drivePlace, slotId } from './controllers.ts';
import { attachIso, attachLayers } from './layers.ts';
import { pciPlaces } from './pci.ts';
import type { DiskSource } from './types.ts';

/** The boot index: kinds in the order of the `.vmx`, and all of a kind in order. Direct boot needs none. */
export function bootIndex(builder: PlanBuilder, kind: BootDevice, at: number): { bootindex?: number } {
  const { bootOrder, kame } = builder.input.model;
  const rank = bootOrder.indexOf(kind);
  return kame.directBoot || rank === -1 ? {} : { bootindex: rank * 100 + at + 1 };
}

function sourceOf(builder: PlanBuilder, disk: Disk): DiskSource {
  const name = slotName(disk);
  if (disk.mode === 'independent-nonpersistent' || disk.mode === 'undoable') {
    throw new KameError(
      'INVALID_VALUE',
      `${name}.mode is ${disk.mode}, which Kame does not support: the changes of the guest would be kept.`,
      {
        next: `Set ${name}.mode to persistent, or take a snapshot and revert to it.`,
      },
    );
  }
  const source = builder.input.disks.get(name);
  if (source) return source;
  throw new KameError('INTERNAL', `The image of ${name} (${disk.fileName}) was not checked before starting.`);
}

/** The name of the top block node of a disk when its engine starts. */
export function diskNode(slot: StorageSlot): string {
  return `disk-${slotId(slot)}`;
}

function attachDisk(builder: PlanBuilder, disk: Disk, at: number): void {
  const id = slotId(disk);
  const { driver, at: place } = drivePlace(builder, disk, 'hd');
  const drive = attachLayers(builder, sourceOf(builder, disk), diskNode(disk));
  const { model } = controllerOf(builder, disk);
  // A write error, such as a full disk of the host, pauses the guest, which can resume later; the guest gets read
  // errors.
  const errors = model === 'nvme' ? {} : { werror: 'stop', rerror: 'report' };
  const serial = model === 'nvme' ? {} : { serial: `kame-${id}` };
  const rotation = driver === 'ide-hd' || driver === 'scsi-hd' ? { rotation_rate: 1 } : {};
  const name = `drive-${id}`;
  builder.device({
    driver,
    id: name,
    ...place,
    drive,
    ...serial,
    ...errors,
    ...rotation,
    ...bootIndex(builder, 'hdd', at),
  });
}

function attachCdrom(builder: PlanBuilder, cdrom: Cdrom, at: number): void {
  const id = slotId(cdrom);
  const { driver, at: place } = drivePlace(builder, cdrom, 'cd');
  const loaded = cdrom.fileName !== null && cdrom.startConnected;
  const drive = loaded ? { drive: attachIso(builder, builder.resolve(cdrom.fileName), `cd-${id}`) } : {};
  builder.device({ driver, id: `drive-${id}`, ...place, ...drive, ...bootIndex(builder, 'cdrom', at) });
}

/** The cloud-init seed is a read-only disk: cloud-init finds it by its label, so the guest needs no CD driver. */
function attachSeed(builder: PlanBuilder): void {
  const { seed } = builder.input.model.kame;
  if (seed === undefined) return;
  const drive = attachIso(builder, builder.resolve(seed), 'disk-seed');
  builder.pciDevice(pciPlaces.seed, {
    driver: 'virtio-blk-pci',
    id: 'drive-seed',
    drive,
    serial: 'kame-seed',
  });
}

/** Disks, CD drives and the seed. @throws KameError INVALID_VALUE, INTERNAL */
export function attachDrives(builder: PlanBuilder): void {
  builder.input.model.disks.forEach((disk, at) => attachDisk(builder, disk, at));
  builder.input.model.cdroms.forEach((cdrom, at) => attachCdrom(builder, cdrom, at));
  attachSeed(builder);
}
