import type { Network } from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import { inWordsOfVmware, withBridge } from '../vmware-network.ts';
import { invalid, succeeded, VmrestError } from './failure.ts';
import type { Handler } from './operation.ts';
import type { operations } from './operations.ts';

/** Networks of the host, their reserved addresses and their port forwards. */

type Operations = typeof operations;
const maxPort = 65_535;

const plain = (vmnet: string): string => vmnet.toLowerCase();

function networkOf(network: Network) {
  const { name, type, dhcp, subnet = '', mask = '' } = inWordsOfVmware(network);
  return type === undefined ? [] : [{ name, type, dhcp: dhcp ? 'true' : 'false', subnet, mask } as const];
}

export const getAllNetworks: Handler<Operations['getAllNetworks']> = async ({ client, signal }) => {
  const vmnets = withBridge(await client.networks.list({ signal })).flatMap(networkOf);
  return { num: vmnets.length, vmnets };
};

export const createNetwork: Handler<Operations['createNetwork']> = async ({ client, signal, body }) => {
  const type = body.type === 'hostOnly' ? 'hostonly' : 'nat';
  const [made] = networkOf(await client.networks.create({ name: plain(body.name), type }, { signal }));
  if (!made) throw new KameError('INTERNAL', `The network ${body.name} has no type.`);
  return made;
};

export const getMACToIPs: Handler<Operations['getMACToIPs']> = async ({ client, signal, params }) => {
  const { name, dhcp, reservations } = await client.networks.show(plain(params.vmnet), { signal });
  if (!dhcp) throw new VmrestError(409, 'unsupported', `${name} has no DHCP service.`);
  const mactoips = reservations.map(({ mac, address }) => ({ vmnet: name, mac, ip: address }));
  return { num: mactoips.length, mactoips };
};

export const updateMacToIP: Handler<Operations['updateMacToIP']> = async (call) => {
  const { client, signal, params, body } = call;
  if (!/^(?:[\da-f]{2}:){5}[\da-f]{2}$/iu.test(params.mac)) throw invalid('mac');
  await client.networks.reserve(plain(params.vmnet), params.mac, { address: body.IP }, { signal });
  return succeeded;
};

/** A forward to a machine whose address is not known yet has none. */
export const getPortforwards: Handler<Operations['getPortforwards']> = async (call) => {
  const forwards = await call.client.networks.forwards(plain(call.params.vmnet), { signal: call.signal });
  const port_forwardings = forwards.map(
    ({ hostPort, transport, description, machine, address, guestPort }) => ({
      port: hostPort,
      protocol: transport,
      desc: description || (machine ?? ''),
      guest: { ip: address ?? '', port: guestPort },
    }),
  );
  return { num: port_forwardings.length, port_forwardings };
};

/** The protocol and the port of a path. @throws VmrestError */
function endOf({ protocol, port }: { readonly protocol: string; readonly port: string }) {
  const transport = protocol.toLowerCase();
  if (transport !== 'tcp' && transport !== 'udp') throw invalid('protocol', 'It is tcp or udp.');
  const hostPort = /^\d{1,5}$/u.test(port) ? Number(port) : 0;
  if (hostPort < 1 || hostPort > maxPort) throw invalid('port', 'It is a number from 1 to 65535.');
  return { transport, hostPort } as const;
}

export const updatePortforward: Handler<Operations['updatePortforward']> = async (call) => {
  const { client, signal, params, body } = call;
  const { transport, hostPort } = endOf(params);
  const { guestIp: target, guestPort, desc: description } = body;
  const forward = { target, guestPort, ...(description === undefined ? {} : { description }) };
  await client.networks.setForward(plain(params.vmnet), transport, String(hostPort), forward, { signal });
  return succeeded;
};

export const deletePortforward: Handler<Operations['deletePortforward']> = async (call) => {
  const { client, signal, params } = call;
  const { transport, hostPort } = endOf(params);
  await client.networks.removeForward(plain(params.vmnet), transport, String(hostPort), {}, { signal });
  return undefined;
};
