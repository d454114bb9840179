import { networkMeant } from '../vmware-network.ts';
import type { Run } from './command.ts';
import { adapterLines, forwardLines, hostNetworkLines } from './network-text.ts';
import { VmrunError } from './vmrun-error.ts';

const invalid = 'One of the parameters was invalid';
const maxPort = 65_535;

/** The word of an adapter’s connection: `custom` needs the name of a network. @throws VmrunError */
function connectionOf(type = '', network = ''): string {
  const meant = networkMeant(type, network);
  if (meant !== undefined) return meant;
  throw new VmrunError(invalid, 'The type is nat, bridged, hostonly, or custom and the name of a network.');
}

/** @throws VmrunError unless it is a digit */
function indexOf(text = ''): string {
  if (/^\d$/u.test(text)) return text;
  throw new VmrunError(invalid, 'The index is that of `vmrun listNetworkAdapters`.');
}

export const listNetworkAdapters: Run = async ({ client, machine, signal }) =>
  adapterLines(await client.nics.list(machine, { signal }));

export const addNetworkAdapter: Run = async ({ client, machine, args, signal }) => {
  await client.nics.add(machine, { network: connectionOf(args[0], args[1]) }, { signal });
  return [];
};

export const setNetworkAdapter: Run = async ({ client, machine, args, signal }) => {
  const [index, type, network] = args;
  await client.nics.set(machine, indexOf(index), { network: connectionOf(type, network) }, { signal });
  return [];
};

export const deleteNetworkAdapter: Run = async ({ client, machine, args, signal }) => {
  await client.nics.remove(machine, indexOf(args[0]), { signal });
  return [];
};

function connect(connected: boolean): Run {
  return async ({ client, machine, args, signal }) => {
    const index = /^ethernet(\d)$/iu.exec(args[0] ?? '')?.[1];
    if (index === undefined)
      throw new VmrunError(
        'The operation is not supported',
        'Only network adapters can be connected: ethernet0.',
      );
    await client.nics.set(machine, index, { connected }, { signal });
    return [];
  };
}

export const connectNamedDevice = connect(true);
export const disconnectNamedDevice = connect(false);

export const listHostNetworks: Run = async ({ client, signal }) =>
  hostNetworkLines(await client.networks.list({ signal }));

export const listPortForwardings: Run = async ({ client, args, signal }) =>
  forwardLines(await client.networks.forwards(networkOf(args), { signal }));

function networkOf([network = '']: readonly string[]): string {
  return network.toLowerCase();
}

/** @throws VmrunError */
function portOf(text = ''): number {
  const port = /^\d{1,5}$/u.test(text) ? Number(text) : 0;
  if (port < 1 || port > maxPort) throw new VmrunError(invalid, `"${text}" is not a port.`);
  return port;
}

/** @throws VmrunError */
function transportOf(text = ''): 'tcp' | 'udp' {
  const word = text.toLowerCase();
  if (word === 'tcp' || word === 'udp') return word;
  throw new VmrunError(invalid, 'The protocol is tcp or udp.');
}

export const deletePortForwarding: Run = async ({ client, args, signal }) => {
  const [, protocol, port] = args;
  const [transport, hostPort] = [transportOf(protocol), portOf(port)];
  await client.networks.removeForward(networkOf(args), transport, String(hostPort), {}, { signal });
  return [];
};

export const setPortForwarding: Run = async ({ client, args, signal }) => {
  const [, protocol, port, target = '', inGuest, description] = args;
  const [transport, hostPort, guestPort] = [transportOf(protocol), portOf(port), portOf(inGuest)];
  const forward = { target, guestPort, ...(description === undefined ? {} : { description }) };
  await client.networks.setForward(networkOf(args), transport, String(hostPort), forward, { signal });
  return [];
};
