import { KameError } from '../../core/errors.ts';
import type { Nic, NicModel } from '../../model/machine.ts';
import { shown } from '../../model/problem.ts';
import { hasDevice } from '../capabilities/capabilities.ts';
import type { PlanBuilder } from './builder.ts';
import { bootIndex } from './drives.ts';
import { nicPlace } from './pci.ts';

const drivers: Record<NicModel, string> = {
  'virtio-net': 'virtio-net-pci',
  vmxnet3: 'vmxnet3',
  e1000: 'e1000',
  e1000e: 'e1000e',
  vlance: 'pcnet',
};

/** A bridge gives the guest the outside, as NAT does. Any other network may be isolated, and is only replaced by one that is. */
function unsupportedNetwork({ index, connection, vnet, connectionText }: Nic): KameError {
  const key = `ethernet${index}.connectionType`;
  const text = shown(connectionText ?? connection);
  const which = connection === 'pvn' ? ' (a LAN segment)' : vnet ? ` (${shown(vnet)})` : '';
  const next =
    connection === 'bridged'
      ? `Set it to nat with \`kame set NAME ${key}=nat\`.`
      : `\`kame set NAME ${key}=hostonly\` isolates the guest; nat instead of hostonly lets it reach the network of the host.`;
  return new KameError('INVALID_VALUE', `${key} is ${text}${which}; only nat and hostonly are supported.`, {
    next,
  });
}

function attachBackend(builder: PlanBuilder, nic: Nic): void {
  const id = `net${nic.index}`;
  if (nic.connection === 'nat') return builder.netdev({ type: 'user', id });
  if (nic.connection === 'hostonly') return builder.netdev({ type: 'user', id, restrict: true });
  throw unsupportedNetwork(nic);
}

/**
 * A boot ROM costs start-up time and needs a file that may be missing; only an Intel machine with network boot needs
 * it.
 */
function bootRom(builder: PlanBuilder): { romfile?: string } {
  const { arch, bootOrder, kame } = builder.input.model;
  return arch === 'x86_64' && bootOrder.includes('ethernet') && !kame.directBoot ? {} : { romfile: '' };
}

function attachNic(builder: PlanBuilder, nic: Nic, at: number): void {
  const driver = drivers[nic.model];
  if (!hasDevice(builder.input.capabilities, driver)) {
    const message = `ethernet${nic.index}.virtualDev is ${nic.model}, but this QEMU was built without the device ${driver}.`;
    throw new KameError('ENGINE_TOO_OLD', message);
  }
  attachBackend(builder, nic);
  const id = `nic${nic.index}`;
  builder.pciDevice(nicPlace(nic.index), {
    driver,
    id,
    netdev: `net${nic.index}`,
    mac: nic.mac,
    ...bootRom(builder),
    ...bootIndex(builder, 'ethernet', at),
  });
  if (!nic.startConnected) builder.setup.push({ execute: 'set_link', arguments: { name: id, up: false } });
}

/** Network cards. @throws KameError INVALID_VALUE for a connection that is not supported yet, ENGINE_TOO_OLD */
export function attachNics(builder: PlanBuilder): void {
  builder.input.model.nics.forEach((nic, at) => attachNic(builder, nic, at));
}
