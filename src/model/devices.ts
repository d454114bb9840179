import type {
  BootDevice,
  ControllerModel,
  DiskMode,
  NicConnection,
  NicModel,
  StorageBus,
} from './machine.ts';

/** The limits of the buses in VMware's machines: controllers, units on each, and their models. */
export const buses: Record<
  StorageBus,
  { readonly controllers: number; readonly units: number; readonly models: readonly ControllerModel[] }
> = {
  nvme: { controllers: 4, units: 64, models: ['nvme', 'virtio-blk', 'virtio-scsi'] },
  sata: { controllers: 4, units: 30, models: ['ahci', 'virtio-blk', 'virtio-scsi'] },
  scsi: {
    controllers: 4,
    units: 64,
    models: ['lsilogic', 'lsisas1068', 'buslogic', 'pvscsi', 'virtio-blk', 'virtio-scsi'],
  },
  ide: { controllers: 2, units: 2, models: ['ide', 'virtio-blk', 'virtio-scsi'] },
};

/** Units of the device in the guest, however many VMware's bus of that name has. */
const unitsByModel: Record<ControllerModel, number> = {
  nvme: 64,
  ahci: 6,
  ide: 2,
  pvscsi: 64,
  lsisas1068: 8,
  lsilogic: 7,
  buslogic: 7,
  'virtio-scsi': 256,
  'virtio-blk': 8,
};

/** How many disks a controller of this model can have. */
export function unitsOf(model: ControllerModel): number {
  return unitsByModel[model];
}

/** Unit 7 of a SCSI bus is the controller itself. */
export const scsiReservedUnit = 7;

/** The controller model that a VMware key implies; for scsi, `virtualDev` names it. */
export const nativeModel: Record<Exclude<StorageBus, 'scsi'>, ControllerModel> = {
  nvme: 'nvme',
  sata: 'ahci',
  ide: 'ide',
};

/** Values of `scsiN.virtualDev`. */
export const scsiModels = ['lsilogic', 'lsisas1068', 'buslogic', 'pvscsi'] as const;

/** Values of `ethernetN.virtualDev` that Kame supports. */
export const vmwareNicModels = ['vmxnet3', 'e1000', 'e1000e', 'vlance'] as const;
export const nicModels: readonly NicModel[] = ['virtio-net', ...vmwareNicModels];

export const diskModes: readonly DiskMode[] = [
  'persistent',
  'independent-persistent',
  'independent-nonpersistent',
  'undoable',
];
/** Values of `ethernetN.connectionType`. */
export const nicConnections: readonly NicConnection[] = ['nat', 'bridged', 'hostonly', 'custom', 'pvn'];
export const bootDevices: readonly BootDevice[] = ['hdd', 'cdrom', 'ethernet', 'floppy'];
export const defaultBootOrder: readonly BootDevice[] = ['hdd', 'cdrom', 'ethernet'];
export const maxNics = 10;
/** PCIe ports for adapters that are added to a running machine. */
export const hotplugPorts = 4;
export const maxSerials = 4;
export const maxParallels = 3;
export const maxFloppies = 2;
export const maxSharedFolders = 100;
export const defaultVncPort = 5900;
