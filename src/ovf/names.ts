import type { ControllerModel, NicModel, StorageBus } from '../model/machine.ts';

/** XML namespaces of OVF descriptors. Sources: DMTF DSP0243 1.1 and 2.0; VMware's own namespace is that of ovftool. */
export const namespaces = {
  /** OVF 1.x. */
  envelope1: 'http://schemas.dmtf.org/ovf/envelope/1',
  envelope2: 'http://schemas.dmtf.org/ovf/envelope/2',
  environment1: 'http://schemas.dmtf.org/ovf/environment/1',
  rasd: 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData',
  vssd: 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData',
  vmw: 'http://www.vmware.com/schema/ovf',
} as const;

/** Values of `rasd:ResourceType` (DMTF CIM_ResourceAllocationSettingData). */
export const resourceTypes = {
  other: 1,
  cpu: 3,
  memory: 4,
  ide: 5,
  scsi: 6,
  ethernet: 10,
  floppy: 14,
  cdrom: 15,
  dvd: 16,
  disk: 17,
  /** Other storage: SATA and NVMe, as `rasd:ResourceSubType` tells. */
  storage: 20,
  serial: 21,
  parallel: 22,
  usb: 23,
  graphics: 24,
  sound: 35,
} as const;

/**
 * Controllers: how ovftool names them in `rasd:ResourceType` and `rasd:ResourceSubType`. Of rows with the same model, the first
 * is the one to write. Subtypes are compared without regard to case.
 */
export const controllerTypes: readonly {
  readonly type: number;
  readonly subType: string;
  readonly bus: StorageBus;
  readonly model: ControllerModel;
}[] = [
  { type: resourceTypes.ide, subType: '', bus: 'ide', model: 'ide' },
  { type: resourceTypes.scsi, subType: 'lsilogic', bus: 'scsi', model: 'lsilogic' },
  { type: resourceTypes.scsi, subType: 'lsilogicsas', bus: 'scsi', model: 'lsisas1068' },
  { type: resourceTypes.scsi, subType: 'buslogic', bus: 'scsi', model: 'buslogic' },
  { type: resourceTypes.scsi, subType: 'VirtualSCSI', bus: 'scsi', model: 'pvscsi' },
  { type: resourceTypes.storage, subType: 'vmware.sata.ahci', bus: 'sata', model: 'ahci' },
  { type: resourceTypes.storage, subType: 'AHCI', bus: 'sata', model: 'ahci' },
  { type: resourceTypes.storage, subType: 'vmware.nvme.controller', bus: 'nvme', model: 'nvme' },
];

/** Values of `rasd:ResourceSubType` of network adapters; the first row of a model is the one to write. */
export const ethernetTypes: readonly (readonly [subType: string, model: NicModel])[] = [
  ['E1000', 'e1000'],
  ['E1000e', 'e1000e'],
  ['VmxNet3', 'vmxnet3'],
  ['PCNet32', 'vlance'],
  // VMware Tools replaced this one by VmxNet3; guests that know it know an older one too.
  ['VmxNet2', 'vmxnet3'],
  ['VmxNet', 'vlance'],
  ['Flexible', 'vlance'],
  ['virtio', 'virtio-net'],
];

/** Values of `ovf:format` of a disk; a fragment may follow, such as `#streamOptimized`. */
export const vmdkFormat = 'http://www.vmware.com/interfaces/specifications/vmdk.html';
