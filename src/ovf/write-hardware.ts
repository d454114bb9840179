import type { Cdrom, Controller, MachineModel, Nic, StorageSlot } from '../model/machine.ts';
import { controllerName, slotName } from '../model/slots.ts';
import { controllerTypes, ethernetTypes, resourceTypes } from './names.ts';
import { element, type NewElement } from './write-xml.ts';

/** Settings of an item, in CIM’s names without their prefix. */
type Settings = Readonly<Record<string, string | number>>;

/** A setting of the hardware section in VMware’s own names. */
export type VmwareSetting = readonly [key: string, value: string];

/** Numbers the items of a hardware section. */
class Items {
  readonly elements: NewElement[] = [];
  /** InstanceIDs of controllers, by their names. */
  readonly controllers = new Map<string, number>();

  /** Adds an item and returns its InstanceID. */
  add(
    settings: Settings,
    { extra = [], required = true }: { extra?: NewElement[]; required?: boolean } = {},
  ): number {
    const id = this.elements.length + 1;
    const all = Object.entries({ ...settings, InstanceID: id });
    // The schema wants them in alphabetical order.
    all.sort(([a], [b]) => (a < b ? -1 : 1));
    const children = all.map(([name, value]) => element(`rasd:${name}`, String(value)));
    this.elements.push(element('Item', [...children, ...extra], required ? {} : { 'ovf:required': 'false' }));
    return id;
  }

  parentOf({ bus, controller }: StorageSlot): number {
    return this.controllers.get(controllerName({ bus, index: controller })) ?? 0;
  }
}

const controllerWords = { ide: 'IDE', scsi: 'SCSI', sata: 'SATA', nvme: 'NVMe' } as const;

function addController(items: Items, { bus, index, model }: Controller): void {
  // What VMware does not have is on a bus that it has: that bus decides.
  const row =
    controllerTypes.find((known) => known.bus === bus && known.model === model) ??
    controllerTypes.findLast((known) => known.bus === bus);
  const words = controllerWords[bus];
  const id = items.add({
    Address: index,
    Description: `${words} controller`,
    ElementName: `${words} controller ${index}`,
    ...(row === undefined || row.subType === '' ? {} : { ResourceSubType: row.subType }),
    ResourceType: row?.type ?? resourceTypes.other,
  });
  items.controllers.set(controllerName({ bus, index }), id);
}

function addCdrom(items: Items, drive: Cdrom, number: number): void {
  items.add(
    {
      AddressOnParent: drive.unit,
      AutomaticAllocation: 'false',
      ElementName: `CD/DVD drive ${number}`,
      Parent: items.parentOf(drive),
      ResourceSubType: 'vmware.cdrom.remotepassthrough',
      ResourceType: resourceTypes.cdrom,
    },
    { required: false },
  );
}

/** The name of the network of an adapter, as ovftool has it for machines of the desktop products. */
export function networkNameOf({ connection, connectionText, vnet, segment }: Nic): string {
  if (connection === 'custom') return vnet ?? connection;
  if (connection === 'pvn') return segment ?? connection;
  return connectionText ?? connection;
}

function addNic(items: Items, nic: Nic): void {
  const row = ethernetTypes.find(([, model]) => model === nic.model);
  // VMware does not have virtio-net; its own paravirtual adapter is nearest.
  const subType = nic.model === 'virtio-net' ? 'VmxNet3' : (row?.[0] ?? 'E1000');
  const network = networkNameOf(nic);
  items.add({
    // A generated address belongs to this machine; an import has a new one.
    ...(nic.macType === 'static' ? { Address: nic.mac } : {}),
    AddressOnParent: nic.index,
    AutomaticAllocation: nic.startConnected ? 'true' : 'false',
    Connection: network,
    Description: `${subType} ethernet adapter on ${network}`,
    ElementName: `Network adapter ${nic.index + 1}`,
    ResourceSubType: subType,
    ResourceType: resourceTypes.ethernet,
  });
}

function addPeripherals(items: Items, { usb, sound, display, floppies }: MachineModel): void {
  const optional = { required: false };
  if (usb.present) {
    items.add(
      { ElementName: 'USB controller', ResourceSubType: 'vmware.usb.xhci', ResourceType: resourceTypes.usb },
      optional,
    );
  }
  if (display.present) {
    const extra = [
      ['useAutoDetect', 'false'],
      ['graphicsMemoryKB', String(display.graphicsMemoryKiB)],
    ] as const;
    items.add(
      { AutomaticAllocation: 'false', ElementName: 'Video card', ResourceType: resourceTypes.graphics },
      { ...optional, extra: extra.map(([key, value]) => vmwareConfig(key, value)) },
    );
  }
  if (sound.present) {
    const subType =
      sound.model === 'hdaudio' ? 'vmware.soundcard.hdaudio' : `vmware.soundcard.${sound.model}`;
    items.add(
      { ElementName: 'Sound card', ResourceSubType: subType, ResourceType: resourceTypes.sound },
      optional,
    );
  }
  for (const { index } of floppies) {
    items.add(
      {
        AddressOnParent: index,
        AutomaticAllocation: 'false',
        ElementName: `Floppy drive ${index + 1}`,
        ResourceSubType: 'vmware.floppy.remotedevice',
        ResourceType: resourceTypes.floppy,
      },
      optional,
    );
  }
}

function vmwareConfig(key: string, value: string): NewElement {
  return element('vmw:Config', '', { 'ovf:required': 'false', 'vmw:key': key, 'vmw:value': value });
}

function system({ hardwareVersion }: MachineModel, name: string): NewElement {
  return element('System', [
    element('vssd:ElementName', 'Virtual Hardware Family'),
    element('vssd:InstanceID', '0'),
    element('vssd:VirtualSystemIdentifier', name),
    element('vssd:VirtualSystemType', `vmx-${String(hardwareVersion).padStart(2, '0')}`),
  ]);
}

/**
 * The hardware of a machine.
 * @param name of the machine
 * @param diskIds ids of the disks in the DiskSection, by their slots
 * @param extra keys of the `.vmx` that go with it as they are
 */
export function hardwareSection(
  model: MachineModel,
  name: string,
  diskIds: ReadonlyMap<string, string>,
  extra: readonly VmwareSetting[],
): NewElement {
  const items = new Items();
  const cores = element('vmw:CoresPerSocket', String(model.coresPerSocket), { 'ovf:required': 'false' });
  items.add(
    {
      AllocationUnits: 'hertz * 10^6',
      Description: 'Number of virtual CPUs',
      ElementName: `${model.cpus} virtual CPU(s)`,
      ResourceType: resourceTypes.cpu,
      VirtualQuantity: model.cpus,
    },
    { extra: [cores] },
  );
  items.add({
    AllocationUnits: 'byte * 2^20',
    Description: 'Memory size',
    ElementName: `${model.memoryMiB} MB of memory`,
    ResourceType: resourceTypes.memory,
    VirtualQuantity: model.memoryMiB,
  });
  for (const controller of model.controllers) addController(items, controller);
  for (const [index, disk] of model.disks.entries()) {
    items.add({
      AddressOnParent: disk.unit,
      ElementName: `Hard disk ${index + 1}`,
      HostResource: `ovf:/disk/${diskIds.get(slotName(disk)) ?? ''}`,
      Parent: items.parentOf(disk),
      ResourceType: resourceTypes.disk,
    });
  }
  for (const [index, drive] of model.cdroms.entries()) addCdrom(items, drive, index + 1);
  for (const nic of model.nics) addNic(items, nic);
  addPeripherals(items, model);
  const config: VmwareSetting[] = [
    ['firmware', model.firmware.kind],
    ['bootOptions.efiSecureBootEnabled', String(model.firmware.secureBoot)],
    ['tools.syncTimeWithHost', String(model.syncTime)],
  ];
  return element('VirtualHardwareSection', [
    element('Info', 'Virtual hardware requirements'),
    system(model, name),
    ...items.elements,
    ...config.map(([key, value]) => vmwareConfig(key, value)),
    ...extra.map(([key, value]) =>
      element('vmw:ExtraConfig', '', { 'ovf:required': 'false', 'vmw:key': key, 'vmw:value': value }),
    ),
  ]);
}
