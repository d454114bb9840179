import type { Nic } from './machine.ts';

/** `bridged` puts guests on a network of the host, `private` connects guests with each other only. */
export type NetworkType = 'nat' | 'hostonly' | 'private' | 'bridged';

export type Transport = 'tcp' | 'udp';

/** A port of the host that leads to a guest. */
export interface Forward {
  readonly transport: Transport;
  /** Of the host: where it listens. */
  readonly bind: string;
  readonly hostPort: number;
  /** The machine's UUID, or an IPv4 address in the subnet. */
  readonly target: { readonly machine: string } | { readonly address: string };
  readonly guestPort: number;
  /** What a person says of it. */
  readonly description?: string;
  /** Made by `kame ssh`, which may choose another host port when this one is taken. */
  readonly automatic?: true;
}

/** A network of the home, as networks.json has it. */
export interface Network {
  /** Such as vmnet8; lower case. */
  readonly name: string;
  readonly type: NetworkType;
  /** IPv4 in CIDR form, such as 192.168.77.0/24; null for a bridged network and a private one without services. */
  readonly subnet: string | null;
  readonly mtu: number;
  /** Whether the network answers DHCP. */
  readonly dhcp: boolean;
  /** Of a bridged network: the host's interface. */
  readonly interface: string | null;
  /** Guests may reach the host's loopback interface by the gateway's address. */
  readonly hostLoopback: boolean;
  /** The directory from which guests boot by PXE, and the file in it that they load first. */
  readonly boot: { readonly directory: string; readonly file: string } | null;
  readonly forwards: readonly Forward[];
  /** Addresses that a person chose, by MAC. */
  readonly reservations: Readonly<Record<string, string>>;
  /** Addresses of adapters, by MAC, so that each keeps its own. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** Where an adapter is connected: to a network by its name, or to a LAN segment by its id. */
export type NetworkKey = { readonly name: string } | { readonly segment: string };

/** VMware's names of the networks that exist from the start. */
export const natNetwork = 'vmnet8';
export const hostOnlyNetwork = 'vmnet1';
export const bridgedNetwork = 'vmnet0';

/** The name in a `vnet`, which VMware for Linux writes as the path of a device: `/dev/vmnet2`. */
function networkName(vnet: string): string {
  return vnet.replace(/^\/dev\//, '').toLowerCase();
}

/** The network of an adapter: its name, or a LAN segment by its id; undefined for a connection that Kame does not know. */
export function networkOf(nic: Nic): NetworkKey | undefined {
  switch (nic.connection) {
    case 'nat':
      return { name: natNetwork };
    case 'hostonly':
      return { name: hostOnlyNetwork };
    case 'bridged':
      return { name: bridgedNetwork };
    case 'custom':
      return nic.vnet === undefined ? undefined : { name: networkName(nic.vnet) };
    case 'pvn':
      return nic.segment === undefined ? undefined : { segment: nic.segment.toLowerCase() };
    default:
      return undefined;
  }
}

/** The network of an adapter in the words of `kame nic` and `kame set`. */
export function networkText(nic: Nic): string {
  if (nic.connection === 'unknown') return nic.connectionText ?? '';
  if (nic.connection === 'pvn') return `segment:${nic.segment ?? ''}`;
  return nic.connection === 'custom' ? networkName(nic.vnet ?? '') : nic.connection;
}
