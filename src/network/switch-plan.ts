import type { LinkShape } from '../model/link-shape.ts';
import { parseIpv4, parseSubnet, subnetOf, type Ipv4, type Ipv4Subnet } from './packet/ipv4-address.ts';
import { parseIpv6, type Ipv6 } from './packet/ipv6-address.ts';
import { parseMac, type Mac } from './packet/mac.ts';
import type { SwitchConfig, SwitchServices } from './switch-config.ts';

/** What the switch knows of a network with services: addresses as numbers, and who has which MAC. */
export interface ServicePlan {
  readonly subnet: Ipv4Subnet;
  readonly prefixLength: number;
  readonly gateway: Ipv4;
  readonly nameServer: Ipv4;
  readonly dhcpServer: Ipv4;
  /** Of the switch itself, which answers for the DHCP server. */
  readonly serverMac: Mac;
  readonly pool: readonly [Ipv4, Ipv4];
  readonly dhcp: boolean;
  readonly domain: string;
  /** All 16 bytes; the first eight are the prefix. */
  readonly prefix6: Ipv6;
  readonly gateway6: Ipv6;
  readonly nameServer6: Ipv6;
  readonly bootFile: string | null;
}

/** What may pass to the NAT process. */
export interface UplinkPlan {
  readonly socket: string;
  readonly outbound: boolean;
  readonly hostLoopback: boolean;
  readonly forbidden: readonly Ipv4Subnet[];
  /** The addresses to which guests send what is for it. */
  readonly macs: ReadonlySet<Mac>;
}

export interface HostPlan {
  readonly mac: Mac;
  readonly address: Ipv4;
  readonly label: string | null;
}

/** The adapters that have an address, found by each of their names. */
export interface HostTable {
  readonly byMac: ReadonlyMap<Mac, HostPlan>;
  readonly byAddress: ReadonlyMap<Ipv4, HostPlan>;
  readonly byLabel: ReadonlyMap<string, HostPlan>;
}

export interface PortPlan {
  readonly id: string;
  readonly socket: string;
  readonly mac: Mac;
  readonly machine: string;
  readonly shape: LinkShape;
}

/** A configuration that was checked, in the form in which frames are compared with it. */
export interface SwitchPlan {
  readonly network: string;
  readonly mtu: number;
  readonly services: ServicePlan | null;
  readonly uplink: UplinkPlan | null;
  readonly hosts: HostTable;
  readonly ports: readonly PortPlan[];
}

/** A plan of nothing, with which a switch begins. */
export const emptyPlan: SwitchPlan = {
  network: '',
  mtu: 1500,
  services: null,
  uplink: null,
  hosts: { byMac: new Map(), byAddress: new Map(), byLabel: new Map() },
  ports: [],
};

/** libslirp's MAC addresses: 52:55 and the IPv4 address, 52:56 and the last four bytes of the IPv6 address. */
const slirp4 = 0x5255_0000_0000;
const slirp6 = 0x5256_0000_0000;

/** Whether it is the MAC of something behind the uplink over IPv6. No guest may have it. */
export function isSlirp6(mac: Mac): boolean {
  return mac >= slirp6 && mac <= slirp6 + 0xffff_ffff;
}

function numberOf(text: string): Ipv4 {
  return parseIpv4(text) ?? 0;
}

function inPrefix(prefix: Ipv6, last: number): Ipv6 {
  const address = Buffer.from(prefix);
  address.fill(0, 8, 15);
  address.writeUInt8(last, 15);
  return address;
}

function planServices(services: SwitchServices): ServicePlan {
  const prefix6 = inPrefix(parseIpv6(services.ipv6Prefix) ?? Buffer.alloc(16), 0);
  const dhcpServer = numberOf(services.dhcpServer);
  return {
    subnet: subnetOf(numberOf(services.subnet), services.prefixLength),
    prefixLength: services.prefixLength,
    gateway: numberOf(services.gateway),
    nameServer: numberOf(services.nameServer),
    dhcpServer,
    serverMac: slirp4 + dhcpServer,
    pool: [numberOf(services.pool[0]), numberOf(services.pool[1])],
    dhcp: services.dhcp,
    domain: services.domain.toLowerCase(),
    prefix6,
    gateway6: inPrefix(prefix6, 2),
    nameServer6: inPrefix(prefix6, 3),
    bootFile: services.bootFile,
  };
}

function planUplink({ uplink, services }: SwitchConfig): UplinkPlan | null {
  if (!uplink) return null;
  const own = services ? [services.gateway, services.nameServer].map((each) => slirp4 + numberOf(each)) : [];
  return {
    socket: uplink.socket,
    outbound: uplink.outbound,
    hostLoopback: uplink.hostLoopback,
    forbidden: uplink.forbidden.flatMap((text) => parseSubnet(text) ?? []),
    macs: new Set([...own, slirp6 + 2, slirp6 + 3]),
  };
}

function planHosts({ hosts }: SwitchConfig): HostTable {
  const plans = hosts.map(({ mac, address, label }) => ({
    mac: parseMac(mac) ?? 0,
    address: numberOf(address),
    label: label?.toLowerCase() ?? null,
  }));
  return {
    byMac: new Map(plans.map((host) => [host.mac, host])),
    byAddress: new Map(plans.map((host) => [host.address, host])),
    // The first adapter of a machine gives it its address.
    byLabel: new Map(plans.toReversed().flatMap((host) => (host.label === null ? [] : [[host.label, host]]))),
  };
}

/** Makes the plan of a configuration that `readSwitchConfig` accepted. */
export function planSwitch(config: SwitchConfig): SwitchPlan {
  return {
    network: config.network,
    mtu: config.mtu,
    services: config.services && planServices(config.services),
    uplink: planUplink(config),
    hosts: planHosts(config),
    ports: config.ports.map((port) => ({ ...port, mac: parseMac(port.mac) ?? 0 })),
  };
}

/** Whether a MAC belongs to the network itself: its gateway, name server, DHCP server. */
export function isNetworkMac(mac: Mac, { services, uplink }: SwitchPlan): boolean {
  if (services === null) return false;
  return mac === services.serverMac || isSlirp6(mac) || uplink?.macs.has(mac) === true;
}

/** Whether an IPv4 address belongs to the network itself. */
export function isNetworkAddress(address: Ipv4, { gateway, nameServer, dhcpServer }: ServicePlan): boolean {
  return address === gateway || address === nameServer || address === dhcpServer;
}
