import type * as z from 'zod';
import { networkMeant } from '../vmware-network.ts';
import { invalid, VmrestError } from './failure.ts';
import { machineWith } from './machine-id.ts';
import { deviceOf, nicsOf } from './nic-device.ts';
import type { Handler } from './operation.ts';
import type { operations } from './operations.ts';
import type { nicDeviceParameter } from './schemas.ts';

/** Network adapters, which count from 1, and the addresses of guests. */

type Operations = typeof operations;

/** The network that the type and the name in a body mean. As with VMware 13.6, only `custom` takes a name. @throws VmrestError */
function networkOf({ type, vmnet = '' }: z.infer<typeof nicDeviceParameter>): string {
  if (type !== 'custom' && vmnet !== '')
    throw invalid('vmnet', 'It goes with the type custom only: {"type":"custom","vmnet":"vmnet8"}.');
  const network = networkMeant(type, vmnet);
  if (network === undefined) throw invalid('vmnet', 'The type custom needs the name of a network.');
  return network;
}

/** The index of the API for one of vmrest. @throws VmrestError */
function indexOf(text: string): string {
  if (!/^(?:[1-9]|10)$/u.test(text)) throw invalid('index', 'GET /vms/{id}/nic tells the indexes.');
  return String(Number(text) - 1);
}

export const getAllNICDevices: Handler<Operations['getAllNICDevices']> = async (call) => {
  const { path } = await machineWith(call.params.id, call);
  return nicsOf(await call.client.nics.list(path, { signal: call.signal }));
};

export const createNICDevice: Handler<Operations['createNICDevice']> = async (call) => {
  const network = networkOf(call.body);
  const { path } = await machineWith(call.params.id, call);
  return deviceOf(await call.client.nics.add(path, { network }, { signal: call.signal }));
};

export const updateNICDevice: Handler<Operations['updateNICDevice']> = async (call) => {
  const [index, network] = [indexOf(call.params.index), networkOf(call.body)];
  const { path } = await machineWith(call.params.id, call);
  return deviceOf(await call.client.nics.set(path, index, { network }, { signal: call.signal }));
};

export const deleteNICDevice: Handler<Operations['deleteNICDevice']> = async (call) => {
  const index = indexOf(call.params.index);
  const { path } = await machineWith(call.params.id, call);
  await call.client.nics.remove(path, index, { signal: call.signal });
  return undefined;
};

export const getIPAddress: Handler<Operations['getIPAddress']> = async (call) => {
  const { path } = await machineWith(call.params.id, call);
  const { ip } = await call.client.machines.addresses(path, { signal: call.signal });
  if (ip === null)
    throw new VmrestError(409, 'noTools', 'Unable to get the IP address: the guest has none yet.');
  return { ip };
};

/** What the guest says of its adapters. Names, routes and leases are not asked for. */
export const getNicInfo: Handler<Operations['getNicInfo']> = async (call) => {
  const { path } = await machineWith(call.params.id, call);
  const { interfaces } = await call.client.machines.addresses(path, { signal: call.signal });
  const nics = interfaces.flatMap(({ name, mac, addresses }) =>
    mac === null || name === 'lo'
      ? []
      : [{ mac, ip: addresses.map(({ address, prefix }) => `${address}/${prefix}`) }],
  );
  return { nics, routes: [] };
};
