import type {
  NetworkAdapter,
  NetworkDetails,
  NetworkForward,
  NetworkInfo,
  Reservation,
} from '../../api/network.ts';
import { addressOf, ipv6PrefixOf } from '../../model/network-address.ts';
import { placeText } from '../../model/network-forward.ts';
import { formatAddress, layoutOf, subnetOf } from '../../model/network-subnet.ts';
import { mtuLimits } from '../../model/network-validate.ts';
import type { Forward, Network } from '../../model/network.ts';
import type { StoredNetwork } from '../../store/networks-file.ts';
import type { Host } from '../host/host.ts';
import type { ForwardStatus, NetworkStatus } from '../host/network-runtime.ts';
import { addressed, machineDomain, machinesOf, allMembers, membersOf, type Member } from './members.ts';

function brokenInfo({ name, broken }: StoredNetwork, machines: readonly string[]): NetworkInfo {
  return {
    name,
    type: null,
    broken,
    subnet: null,
    dhcp: false,
    mtu: mtuLimits.usual,
    interface: null,
    hostLoopback: false,
    boot: null,
    running: false,
    machines: [...machines],
  };
}

function infoOf(network: Network, running: boolean, machines: readonly string[]): NetworkInfo {
  const { name, type, subnet, dhcp, mtu, hostLoopback, boot } = network;
  return {
    name,
    type,
    broken: null,
    subnet,
    dhcp,
    mtu,
    interface: network.interface,
    hostLoopback,
    boot,
    running,
    machines: [...machines],
  };
}

/** All networks, sorted by name. A broken one is among them. @throws KameError FILE_ACCESS */
export async function listNetworks(host: Host): Promise<NetworkInfo[]> {
  const members = await allMembers(host);
  return await Promise.all(
    (await host.networkStore.all()).map(async (entry) => {
      const machines = machinesOf(members.get(entry.name) ?? []);
      if (!entry.network) return brokenInfo(entry, machines);
      return infoOf(entry.network, (await host.networks.status(entry.name)).running, machines);
    }),
  );
}

/** The guest to which a forward leads: the first adapter of its machine in the network. */
export function guestOf(
  network: Network,
  { target }: Forward,
  members: readonly Member[],
): { readonly member: Member | undefined; readonly address: string | null } {
  if ('address' in target) return { member: undefined, address: target.address };
  const member = members.find(({ uuid }) => uuid === target.machine);
  return { member, address: (member && addressOf(network, member.mac)) ?? null };
}

function whyNowhere({ target }: Forward, member: Member | undefined, address: string | null): string | null {
  if (address !== null) return null;
  if (member) return `${member.machine} has no address: all addresses for machines are taken.`;
  return `No machine in this network has the UUID ${'machine' in target ? target.machine : ''}: it was deleted, or connected to another network.`;
}

/** A forward as the API shows it. */
export function describeForward(
  network: Network,
  { forward, state, reason }: ForwardStatus,
  members: readonly Member[],
): NetworkForward {
  const { transport, bind, hostPort, target, guestPort } = forward;
  const { member, address } = guestOf(network, forward, members);
  const nowhere = whyNowhere(forward, member, address);
  return {
    transport,
    bind,
    hostPort,
    machine: member?.machine ?? null,
    machineId: 'machine' in target ? target.machine : null,
    address,
    guestPort,
    description: forward.description ?? '',
    automatic: forward.automatic ?? false,
    state: nowhere === null ? state : 'failed',
    reason: nowhere ?? reason,
  };
}

/** Who listens for a forward; one that the runtime does not know yet is waiting. */
function statusOf(forward: Forward, { forwards }: NetworkStatus): ForwardStatus {
  const known = forwards.find((one) => placeText(one.forward) === placeText(forward));
  return { forward, state: known?.state ?? 'waiting', reason: known?.reason ?? null };
}

/** The forwards of a network, in the order of their ports. @throws KameError NO_SUCH_NETWORK, BROKEN_NETWORK */
export async function listForwards(host: Host, name: string): Promise<NetworkForward[]> {
  return (await showNetwork(host, name)).forwards;
}

function reservationsOf({ reservations }: Network, members: readonly Member[]): Reservation[] {
  return Object.entries(reservations).map(([mac, address]) => ({
    mac,
    address,
    machine: members.find((member) => member.mac === mac)?.machine ?? null,
  }));
}

function adaptersOf(network: Network, status: NetworkStatus, members: readonly Member[]): NetworkAdapter[] {
  return members.map(({ machine, index, mac, label }) => {
    const port = status.ports.find((one) => one.mac === mac);
    return {
      machine,
      device: `ethernet${index}`,
      mac,
      address: addressOf(network, mac) ?? null,
      hostName: `${label}.${machineDomain}`,
      connected: port?.connected ?? null,
      connections: port && network.type === 'nat' ? port.connections : null,
      dropped: { ...port?.dropped },
    };
  });
}

function servicesOf(
  network: Network,
): Pick<NetworkDetails, 'gateway' | 'nameServer' | 'dhcpServer' | 'ipv6Prefix'> {
  if (network.subnet === null) return { gateway: null, nameServer: null, dhcpServer: null, ipv6Prefix: null };
  const { gateway, nameServer, dhcpServer } = layoutOf(subnetOf(network.subnet));
  const routed = network.type === 'nat' || network.type === 'hostonly';
  return {
    gateway: network.type === 'nat' ? formatAddress(gateway) : null,
    nameServer: network.type === 'nat' ? formatAddress(nameServer) : formatAddress(dhcpServer),
    dhcpServer: network.dhcp ? formatAddress(dhcpServer) : null,
    ipv6Prefix: routed ? ipv6PrefixOf(network) : null,
  };
}

/** The details of a network. @throws KameError NO_SUCH_NETWORK, BROKEN_NETWORK */
export async function showNetwork(host: Host, reference: string): Promise<NetworkDetails> {
  const { name } = await host.networkStore.get(reference);
  const members = await membersOf(host, name);
  const network = await addressed(host, name, members);
  const status = await host.networks.status(name);
  const forwards = network.forwards.map((forward) =>
    describeForward(network, statusOf(forward, status), members),
  );
  return {
    ...infoOf(network, status.running, machinesOf(members)),
    ...servicesOf(network),
    adapters: adaptersOf(network, status, members),
    forwards: forwards.sort((a, b) => a.hostPort - b.hostPort),
    reservations: reservationsOf(network, members),
    switchPid: status.switchPid,
    natPid: status.natPid,
    trouble: status.trouble,
  };
}
