import type { Network } from '../api/generated/shapes.ts';
import { formatAddress, maskOf } from '../model/network-subnet.ts';

/** Networks as VMware's programs name them. Pure. */

/** The words for connections, and the network that each stands for. */
export const connections: ReadonlyMap<string, string> = new Map([
  ['nat', 'vmnet8'],
  ['hostonly', 'vmnet1'],
  ['bridged', 'vmnet0'],
]);

/** The word for a connection, and the name of its network. */
export interface Connection {
  readonly type: string;
  readonly vmnet: string;
}

/** What an adapter is connected to. @param network as the API says it: `nat`, or the name of a network */
export function connectionTo(network: string): Connection {
  const standard = connections.get(network);
  return standard === undefined ? { type: 'custom', vmnet: network } : { type: network, vmnet: standard };
}

/** The network for the API that the words of a connection mean; undefined if they mean none. */
export function networkMeant(type: string, vmnet: string): string | undefined {
  const word = type.toLowerCase();
  if (connections.has(word)) return word;
  return word === 'custom' && vmnet !== '' ? vmnet.toLowerCase() : undefined;
}

const typeNames = { nat: 'nat', hostonly: 'hostOnly', private: 'hostOnly', bridged: 'bridged' } as const;

/** A network in the words of VMware. */
export interface VmwareNetwork {
  readonly name: string;
  /** undefined if its entry cannot be read. */
  readonly type: (typeof typeNames)[keyof typeof typeNames] | undefined;
  readonly dhcp: boolean;
  /** Both are undefined where a network has no addresses of its own. */
  readonly subnet: string | undefined;
  readonly mask: string | undefined;
}

export function inWordsOfVmware({ name, type, subnet, dhcp }: Network): VmwareNetwork {
  const [address, length] = subnet?.split('/') ?? [];
  const mask =
    length === undefined ? undefined : formatAddress(maskOf({ base: 0, prefixLength: Number(length) }));
  const typeName = type === null ? undefined : typeNames[type];
  return { name, type: typeName, dhcp: dhcp && subnet !== null, subnet: address, mask };
}

const automaticBridge: Network = {
  name: 'vmnet0',
  type: 'bridged',
  broken: null,
  subnet: null,
  dhcp: false,
  mtu: 1500,
  interface: null,
  hostLoopback: false,
  boot: null,
  running: false,
  machines: [],
};

/** All networks, with the one of adapters that are `bridged`, which Kame does not list before it is configured. */
export function withBridge(networks: readonly Network[]): readonly Network[] {
  return networks.some(({ name }) => name === 'vmnet0') ? networks : [automaticBridge, ...networks];
}
