import * as fc from 'fast-check';
import { buses, diskModes, nicModels } from '../../src/model/devices.ts';
import { guestOsCatalogue } from '../../src/model/guest-os.ts';
import type { Controller, MachineModel, Nic, StorageBus, StorageSlot } from '../../src/model/machine.ts';
import { compareControllers, compareSlots, controllerName, slotName } from '../../src/model/slots.ts';

const word = fc.stringMatching(/^[a-z0-9äé亀 ._"|-]{0,11}[a-z0-9]$/);
const file = word.map((name) => `${name.replaceAll('..', '')}.img`);
const flag = fc.boolean();

const controllers: fc.Arbitrary<Controller[]> = fc
  .uniqueArray(
    fc
      .constantFrom<StorageBus>('nvme', 'sata', 'scsi')
      .chain((bus) =>
        fc.record({ bus: fc.constant(bus), index: fc.nat(3), model: fc.constantFrom(...buses[bus].models) }),
      ),
    { maxLength: 4, selector: controllerName },
  )
  .map((list) => [...list].sort(compareControllers));

/** Devices on those controllers, each in a place of its own. */
function slotsOn(list: readonly Controller[]): fc.Arbitrary<StorageSlot[]> {
  if (list.length === 0) return fc.constant([]);
  return fc
    .uniqueArray(
      fc.record({ on: fc.constantFrom(...list), unit: fc.nat(6) }).map(({ on, unit }) => ({
        bus: on.bus,
        controller: on.index,
        unit,
      })),
      { maxLength: 6, selector: slotName },
    )
    .map((slots) => [...slots].sort(compareSlots));
}

const storage = controllers.chain((list) =>
  fc
    .tuple(
      slotsOn(list),
      fc.infiniteStream(
        fc.record({ isDisk: flag, name: file, empty: flag, mode: fc.constantFrom(...diskModes) }),
      ),
    )
    .map(([slots, stream]): Pick<MachineModel, 'controllers' | 'disks' | 'cdroms'> => {
      const devices = slots.map((slot) => ({
        slot,
        ...(stream.next().value ?? { isDisk: true, name: 'x', empty: true, mode: 'persistent' as const }),
      }));
      return {
        controllers: list,
        disks: devices.flatMap(({ slot, isDisk, name, mode }) =>
          isDisk ? [{ ...slot, fileName: name, mode }] : [],
        ),
        cdroms: devices.flatMap(({ slot, isDisk, name, empty }) =>
          isDisk ? [] : [{ ...slot, fileName: empty ? null : name, startConnected: empty }],
        ),
      };
    }),
);

const direction = fc.record({
  bitsPerSecond: fc.option(fc.integer({ min: 1, max: 10_000_000 }).map((kilobits) => kilobits * 1000)),
  lossPerMille: fc.constantFrom(0, 1, 500, 1000),
  latencyMs: fc.constantFrom(0, 20, 10_000),
});
const always = {
  startConnected: flag,
  shape: fc.record({ receive: direction, transmit: direction }),
  linkStatePropagation: flag,
};

const nic: fc.Arbitrary<Omit<Nic, 'index'>> = fc.oneof(
  fc.record({
    connection: fc.constantFrom('nat' as const, 'bridged' as const, 'hostonly' as const),
    model: fc.constantFrom(...nicModels),
    mac: fc
      .nat(0xffffff)
      .map(
        (n) =>
          `00:50:56:${[n >> 16, (n >> 8) & 255, n & 255].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`,
      ),
    macType: fc.constantFrom('generated' as const, 'static' as const, 'vpx' as const),
    ...always,
  }),
  fc.record({
    connection: fc.constant('custom' as const),
    vnet: fc.nat(20).map((n) => `VMnet${n}`),
    model: fc.constantFrom(...nicModels),
    mac: fc.constantFrom('02:00:00:00:00:01', '00:0c:29:aa:bb:cc'),
    macType: fc.constantFrom('generated' as const, 'static' as const),
    ...always,
  }),
  fc.record({
    connection: fc.constant('pvn' as const),
    segment: fc.constantFrom('52 01 ff-00', 'ID'),
    port: fc.constantFrom(0, 3),
    model: fc.constantFrom(...nicModels),
    mac: fc.constantFrom('02:00:00:00:00:02'),
    macType: fc.constant('static' as const),
    ...always,
  }),
);

const nics = fc
  .uniqueArray(nic, { maxLength: 4, selector: ({ mac }) => mac })
  .map((list) => list.map((one, index) => ({ index, ...one })));

/** Any machine that validateModel accepts. */
export const anyModel: fc.Arbitrary<MachineModel> = fc
  .record({
    os: fc.constantFrom(...guestOsCatalogue),
    displayName: word,
    annotation: fc.string({ unit: 'grapheme' }),
    hardwareVersion: fc.integer({ min: 3, max: 99 }),
    uuid: fc.uuid(),
    coresPerSocket: fc.constantFrom(1, 2, 4),
    memoryMiB: fc.integer({ min: 16, max: 262_144 }).map((n) => n * 4),
    nvram: file,
    secureBoot: flag,
    bootOrder: fc.shuffledSubarray(['hdd', 'cdrom', 'ethernet', 'floppy'] as const, { minLength: 1 }),
    storage,
    nics,
    serials: fc
      .array(file, { maxLength: 3 })
      .map((list) => list.map((fileName, index) => ({ index, kind: 'file' as const, fileName }))),
    floppies: fc
      .array(fc.record({ fileName: fc.option(file), startConnected: flag }), { maxLength: 2 })
      .map((list) => list.map((one, index) => ({ index, ...one }))),
    parallels: fc
      .array(file, { maxLength: 3 })
      .map((list) => list.map((fileName, index) => ({ index, kind: 'device' as const, fileName }))),
    folders: fc.uniqueArray(word, { maxLength: 3 }),
    writable: flag,
    display: fc.record({
      present: flag,
      heads: fc.integer({ min: 1, max: 16 }),
      graphicsMemoryKiB: fc.integer({ min: 1024, max: 9_999_999 }),
      accelerate3d: flag,
    }),
    sound: fc.record({
      present: flag,
      model: fc.constantFrom('hdaudio' as const, 'es1371' as const, 'sb16' as const),
    }),
    usb: flag,
    vnc: fc.record({ enabled: flag, port: fc.integer({ min: 1, max: 65_535 }) }),
    tpm: flag,
    syncTime: flag,
    isolation: fc.record({ copyDisabled: flag, pasteDisabled: flag }),
    suspendedState: fc.constantFrom('', 'a.vmss'),
    kame: fc.record(
      {
        machineType: fc.constantFrom('virt-7.2', 'pc-q35-10.0'),
        hardware: fc.constantFrom(2, 99),
        accelerator: fc.constantFrom('auto' as const, 'kvm' as const, 'hvf' as const, 'tcg' as const),
        directBoot: fc.record(
          { kernel: file, initrd: file, commandLine: fc.constantFrom('', 'console=ttyAMA0 "quiet"') },
          { requiredKeys: ['kernel', 'commandLine'] },
        ),
        seed: file,
        image: word,
      },
      { requiredKeys: ['accelerator'] },
    ),
  })
  .map(({ os, storage, folders, writable, nvram, secureBoot, usb, coresPerSocket, ...rest }) => ({
    ...rest,
    ...storage,
    guestOS: os.id,
    arch: os.arch,
    cpus: coresPerSocket * 2,
    coresPerSocket,
    firmware: { kind: os.firmware, secureBoot: secureBoot && os.firmware === 'efi', nvram },
    sharedFolders: folders.map((guestName, index) => ({
      index,
      guestName,
      hostPath: `/srv/${guestName}`,
      enabled: index > 0,
      writable,
    })),
    usb: { present: usb },
    input: usb ? 'usb' : 'virtio',
  }));
