import { booleanText } from '../vmx/values.ts';
import { defaultBootOrder, defaultVncPort, nativeModel, scsiModels } from './devices.ts';
import type {
  Cdrom,
  Controller,
  Disk,
  Floppy,
  MachineModel,
  ParallelPort,
  SerialPort,
  SharedFolder,
} from './machine.ts';
import { nicKeys, type Entry } from './nic-keys.ts';
import { controllerName, slotName } from './slots.ts';
import { uuidToVmx } from './uuid.ts';

/** VMware's default for `cpuid.coresPerSocket`. */
const defaultCoresPerSocket = 1;

function identityKeys(model: MachineModel): Entry[] {
  const secure: Entry[] = model.firmware.secureBoot ? [['uefi.secureBoot.enabled', 'TRUE']] : [];
  return [
    ['config.version', '8'],
    ['virtualHW.version', String(model.hardwareVersion)],
    ['displayName', model.displayName],
    ...(model.annotation === '' ? [] : [['annotation', model.annotation] as const]),
    ['guestOS', model.guestOS],
    ['firmware', model.firmware.kind],
    ...secure,
    ['nvram', model.firmware.vmwareNvram ?? model.firmware.nvram],
    ['uuid.bios', uuidToVmx(model.uuid)],
    ['uuid.location', uuidToVmx(model.uuid)],
    ['memsize', String(model.memoryMiB)],
    ['numvcpus', String(model.cpus)],
    ...(model.coresPerSocket === defaultCoresPerSocket
      ? []
      : [['cpuid.coresPerSocket', String(model.coresPerSocket)] as const]),
    ...bootOrderKeys(model),
  ];
}

function bootOrderKeys({ bootOrder }: MachineModel): Entry[] {
  const words = bootOrder.map((device) => (device === 'ethernet' ? 'ethernet0' : device)).join(',');
  const usual = defaultBootOrder.map((device) => (device === 'ethernet' ? 'ethernet0' : device)).join(',');
  return words === usual ? [] : [['bios.bootOrder', words]];
}

function controllerKeys({ bus, index, model }: Controller): Entry[] {
  const name = controllerName({ bus, index });
  const keys: Entry[] = bus === 'ide' ? [] : [[`${name}.present`, 'TRUE']];
  if (bus === 'scsi') {
    const legal = scsiModels.find((known) => known === model);
    keys.push([`${name}.virtualDev`, legal ?? 'pvscsi']);
    if (legal) return keys;
  } else if (model === nativeModel[bus]) return keys;
  return [...keys, [`kame.${name}.device`, model]];
}

function diskKeys(disk: Disk): Entry[] {
  const name = slotName(disk);
  const mode: Entry[] = disk.mode === 'persistent' ? [] : [[`${name}.mode`, disk.mode]];
  return [[`${name}.present`, 'TRUE'], [`${name}.fileName`, disk.fileName], ...mode];
}

function cdromKeys(cdrom: Cdrom): Entry[] {
  const name = slotName(cdrom);
  return [
    [`${name}.present`, 'TRUE'],
    [`${name}.deviceType`, cdrom.fileName === null ? 'cdrom-raw' : 'cdrom-image'],
    [`${name}.fileName`, cdrom.fileName ?? 'auto detect'],
    [`${name}.startConnected`, booleanText(cdrom.startConnected)],
  ];
}

function serialKeys({ index, kind, fileName }: SerialPort): Entry[] {
  const name = `serial${index}`;
  return [
    [`${name}.present`, 'TRUE'],
    [`${name}.fileType`, kind],
    [`${name}.fileName`, fileName],
  ];
}

function floppyKeys({ index, fileName, startConnected }: Floppy): Entry[] {
  const name = `floppy${index}`;
  return [
    [`${name}.present`, 'TRUE'],
    [`${name}.fileType`, fileName === null ? 'device' : 'file'],
    ...(fileName === null ? [] : [[`${name}.fileName`, fileName] as const]),
    [`${name}.startConnected`, booleanText(startConnected)],
  ];
}

function parallelKeys({ index, kind, fileName }: ParallelPort): Entry[] {
  const name = `parallel${index}`;
  return [
    [`${name}.present`, 'TRUE'],
    [`${name}.fileType`, kind],
    [`${name}.fileName`, fileName],
  ];
}

function sharedFolderKeys(folder: SharedFolder): Entry[] {
  const name = `sharedFolder${folder.index}`;
  return [
    [`${name}.present`, 'TRUE'],
    [`${name}.enabled`, booleanText(folder.enabled)],
    [`${name}.readAccess`, 'TRUE'],
    [`${name}.writeAccess`, booleanText(folder.writable)],
    [`${name}.hostPath`, folder.hostPath],
    [`${name}.guestName`, folder.guestName],
    [`${name}.expiration`, 'never'],
  ];
}

function sharingKeys({ sharedFolders }: MachineModel): Entry[] {
  if (sharedFolders.length === 0) return [];
  const count = Math.max(...sharedFolders.map((folder) => folder.index)) + 1;
  return [
    ...sharedFolders.flatMap(sharedFolderKeys),
    ['sharedFolder.maxNum', String(count)],
    // Without this key VMware shares nothing.
    ['isolation.tools.hgfs.disable', 'FALSE'],
  ];
}

function peripheralKeys(model: MachineModel): Entry[] {
  const { display, isolation, sound, usb, vnc } = model;
  const usbText = booleanText(usb.present);
  const vncKeys: Entry[] = [
    ['RemoteDisplay.vnc.enabled', booleanText(vnc.enabled)],
    ['RemoteDisplay.vnc.port', String(vnc.port)],
  ];
  return [
    ['svga.present', booleanText(display.present)],
    ...(display.heads === 1 ? [] : [['svga.numDisplays', String(display.heads)] as const]),
    ['svga.graphicsMemoryKB', String(display.graphicsMemoryKiB)],
    ['mks.enable3d', booleanText(display.accelerate3d)],
    ['sound.present', booleanText(sound.present)],
    ['sound.virtualDev', sound.model],
    ...(sound.present ? [['sound.fileName', '-1'] as const, ['sound.autodetect', 'TRUE'] as const] : []),
    ['usb.present', usbText],
    ['ehci.present', usbText],
    ['usb_xhci.present', usbText],
    ...(vnc.enabled || vnc.port !== defaultVncPort ? vncKeys : []),
    ['tools.syncTime', booleanText(model.syncTime)],
    ...(model.tpm ? [['vtpm.present', 'TRUE'] as const] : []),
    ...(isolation.copyDisabled ? [['isolation.tools.copy.disable', 'TRUE'] as const] : []),
    ...(isolation.pasteDisabled ? [['isolation.tools.paste.disable', 'TRUE'] as const] : []),
    ...(model.suspendedState === '' ? [] : [['checkpoint.vmState', model.suspendedState] as const]),
  ];
}

function kameKeys({ firmware, input, kame }: MachineModel): Entry[] {
  const keys: Entry[] = [['kame.input', input]];
  if (firmware.vmwareNvram !== undefined) keys.push(['kame.nvram', firmware.nvram]);
  if (kame.accelerator !== 'auto') keys.push(['kame.accelerator', kame.accelerator]);
  if (kame.machineType !== undefined) keys.push(['kame.machineType', kame.machineType]);
  if (kame.hardware !== undefined) keys.push(['kame.hardware', String(kame.hardware)]);
  if (kame.directBoot) {
    keys.push(['kame.boot.kernel', kame.directBoot.kernel]);
    if (kame.directBoot.initrd !== undefined) keys.push(['kame.boot.initrd', kame.directBoot.initrd]);
    if (kame.directBoot.commandLine !== '') keys.push(['kame.boot.commandLine', kame.directBoot.commandLine]);
  }
  if (kame.seed !== undefined) keys.push(['kame.seed', kame.seed]);
  if (kame.image !== undefined) keys.push(['kame.image', kame.image]);
  if (kame.folder !== undefined) keys.push(['kame.folder', kame.folder]);
  return keys;
}

/** Every key that the model determines, in the order of a new file. */
export function keysOf(model: MachineModel): Map<string, string> {
  return new Map([
    ...identityKeys(model),
    ...model.controllers.flatMap(controllerKeys),
    ...model.disks.flatMap(diskKeys),
    ...model.cdroms.flatMap(cdromKeys),
    ...model.floppies.flatMap(floppyKeys),
    ...model.nics.flatMap(nicKeys),
    ...model.serials.flatMap(serialKeys),
    ...model.parallels.flatMap(parallelKeys),
    ...sharingKeys(model),
    ...peripheralKeys(model),
    ...kameKeys(model),
  ]);
}
