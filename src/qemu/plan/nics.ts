import { KameError } from '../../core/errors.ts';
import { hotplugPorts } from '../../model/devices.ts';
import { firstHardware } from '../../model/hardware.ts';
import type { MachineModel, Nic, NicModel } from '../../model/machine.ts';
import { networkPort } from '../../model/network-port.ts';
import { hasDevice, type Capabilities } from '../capabilities/capabilities.ts';
import { rootBusOf, type DeviceOptions, type PlanBuilder } from './builder.ts';
import { bootIndex } from './drives.ts';
import type { MachineFamily } from './machine-type.ts';
import { hardwareOf, netdevId, netdevOf, type NetdevFacts } from './netdevs.ts';
import { addrText, nicPlace, portId, portPlace } from './pci.ts';

const drivers: Record<NicModel, string> = {
  'virtio-net': 'virtio-net-pci',
  vmxnet3: 'vmxnet3',
  e1000: 'e1000',
  e1000e: 'e1000e',
  vlance: 'pcnet',
};

/** The id of `ethernetN` in QEMU. */
export function nicId(index: number): string {
  return `nic${index}`;
}

/**
 * A boot ROM costs start-up time and needs a file that may be missing; only an Intel machine with network boot needs
 * it.
 */
function bootRom({ arch, bootOrder, kame }: MachineModel): { romfile?: string } {
  return arch === 'x86_64' && bootOrder.includes('ethernet') && !kame.directBoot ? {} : { romfile: '' };
}

function placeOf(nic: Nic, family: MachineFamily): { bus: string; addr: string } {
  if (nic.port !== undefined && hasPorts(family)) return { bus: portId(nic.port), addr: '0x0' };
  return { bus: rootBusOf(family), addr: addrText(nicPlace(nic.index)) };
}

/** Whether adapters that are added to a running machine need a port: the root bus of PCIe is fixed, that of PCI is not. */
export function hasPorts(family: MachineFamily): boolean {
  return family !== 'i440fx';
}

/**
 * The device of an adapter, the same on a command line and in `device_add`: a state can only be restored into what it
 * was saved from.
 * @throws KameError ENGINE_TOO_OLD without the device, INVALID_VALUE for a ninth adapter
 */
export function nicDevice(
  nic: Nic,
  model: MachineModel,
  family: MachineFamily,
  capabilities: Capabilities,
): DeviceOptions {
  const driver = drivers[nic.model];
  if (!hasDevice(capabilities, driver)) {
    const message = `ethernet${nic.index}.virtualDev is ${nic.model}, but this QEMU was built without the device ${driver}.`;
    throw new KameError('ENGINE_TOO_OLD', message);
  }
  return {
    driver,
    id: nicId(nic.index),
    ...placeOf(nic, family),
    netdev: netdevId(nic.index),
    mac: nic.mac,
    ...bootRom(model),
  };
}

function factsOf({ input }: PlanBuilder): NetdevFacts {
  const { bridges, capabilities, host, paths } = input;
  return { capabilities, os: host.os, run: paths.run, ...(bridges ? { bridges } : {}) };
}

function attachNic(builder: PlanBuilder, nic: Nic, at: number): void {
  const { capabilities, model } = builder.input;
  const netdev = netdevOf(nic, hardwareOf(model), factsOf(builder));
  const device = nicDevice(nic, model, builder.family, capabilities);
  builder.netdev(netdev);
  if (netdev.type === 'stream') builder.networks.push(networkPort(nic, socketOf(netdev)));
  // The firmware does not look for boot devices in the ports.
  builder.device({ ...device, ...(nic.port === undefined ? bootIndex(builder, 'ethernet', at) : {}) });
  if (!nic.startConnected)
    builder.setup.push({ execute: 'set_link', arguments: { name: nicId(nic.index), up: false } });
}

/** The path of a backend that listens for a switch. */
export function socketOf(netdev: {
  readonly addr: { readonly type: string; readonly path?: string };
}): string {
  return netdev.addr.path ?? '';
}

/** Ports into which adapters can be plugged while the machine runs. */
function attachPorts(builder: PlanBuilder): void {
  if (hardwareOf(builder.input.model) === firstHardware || !hasPorts(builder.family)) return;
  if (!hasDevice(builder.input.capabilities, 'pcie-root-port')) {
    throw new KameError('ENGINE_TOO_OLD', 'This QEMU was built without the device pcie-root-port.');
  }
  for (let port = 0; port < hotplugPorts; port += 1) {
    const numbers = { chassis: port + 1, slot: port + 1 };
    builder.pciDevice(portPlace(port), { driver: 'pcie-root-port', id: portId(port), ...numbers });
  }
}

/** Network cards and their ports. @throws KameError as netdevOf and nicDevice */
export function attachNics(builder: PlanBuilder): void {
  attachPorts(builder);
  builder.input.model.nics.forEach((nic, at) => attachNic(builder, nic, at));
}
