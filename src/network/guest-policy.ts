import { readArp } from './packet/arp.ts';
import { u16, u24, u32, u8 } from './packet/bytes.ts';
import type { Ipv4 } from './packet/ipv4-address.ts';
import { hasPrefix } from './packet/ipv6-address.ts';
import type { Mac } from './packet/mac.ts';
import { claimedAt, isNdp, isWellFormedNdp, ndpTypes } from './packet/ndp.ts';
import { etherTypes, type Packet } from './packet/packet.ts';
import { dhcpPorts } from './packet/dhcp-message.ts';
import type { DropReason } from './switch-config.ts';
import { isNetworkAddress, type ServicePlan } from './switch-plan.ts';

const dhcp6ServerPort = 547;

/** Who is who on the network. */
export interface Owners {
  /** The MAC to which an address was given; undefined if it is free. */
  ownerOf(address: Ipv4): Mac | undefined;
  /** Whether a MAC is that of an adapter of a machine. */
  isAdapter(mac: Mac): boolean;
}

/** Whether the IPv6 address at a position is the gateway or the name server, in the network's prefix or link-local. */
export function isNetworkAddress6(buffer: Buffer, at: number, { prefix6 }: ServicePlan): boolean {
  const last = u32(buffer, at + 12);
  if ((last !== 2 && last !== 3) || u32(buffer, at + 8) !== 0) return false;
  return hasPrefix(buffer, at, prefix6, 8) || (u32(buffer, at) === 0xfe80_0000 && u32(buffer, at + 4) === 0);
}

/** The MAC from which an IPv6 address was made (EUI-64), or undefined. */
function eui64Mac(buffer: Buffer, at: number): Mac | undefined {
  if (u16(buffer, at + 11) !== 0xfffe) return undefined;
  return (u8(buffer, at + 8) ^ 2) * 0x100_0000_0000 + u16(buffer, at + 9) * 0x100_0000 + u24(buffer, at + 13);
}

function arpVerdict(packet: Packet, services: ServicePlan, owners: Owners): DropReason | null {
  const arp = readArp(packet);
  if (!arp) return 'malformed';
  if (arp.senderMac !== packet.source) return 'spoofed-mac';
  // A probe has no sender yet: it claims the address that it looks for.
  const claimed = arp.sender === 0 ? arp.target : arp.sender;
  if (arp.sender !== 0 && isNetworkAddress(claimed, services)) return 'spoofed-address';
  const owner = owners.ownerOf(claimed);
  return owner === undefined || owner === packet.source ? null : 'spoofed-address';
}

function ndpVerdict(packet: Packet, services: ServicePlan, owners: Owners): DropReason | null {
  if (!isWellFormedNdp(packet)) return 'malformed';
  const { buffer, icmpType } = packet;
  if (icmpType === ndpTypes.routerAdvertisement) return services.dhcp ? 'rogue-server' : null;
  if (icmpType === ndpTypes.redirect) return 'spoofed-address';
  const claimed = claimedAt(packet);
  if (claimed === -1) return null;
  if (isNetworkAddress6(buffer, claimed, services)) return 'spoofed-address';
  const owner = eui64Mac(buffer, claimed);
  return owner === undefined || owner === packet.source || !owners.isAdapter(owner)
    ? null
    : 'spoofed-address';
}

function ipv4Verdict(packet: Packet, services: ServicePlan): DropReason | null {
  if (isNetworkAddress(packet.source4, services)) return 'spoofed-address';
  return services.dhcp && packet.isUdp && packet.sourcePort === dhcpPorts.server ? 'rogue-server' : null;
}

function ipv6Verdict(packet: Packet, services: ServicePlan, owners: Owners): DropReason | null {
  // The ports or the ICMP type would come in another fragment, unseen (RFC 7112).
  if (packet.fragment === 'first' && packet.transportLength < 8) return 'malformed';
  if (isNetworkAddress6(packet.buffer, packet.network + 8, services)) return 'spoofed-address';
  if (isNdp(packet)) return ndpVerdict(packet, services, owners);
  return services.dhcp && packet.isUdp && packet.sourcePort === dhcp6ServerPort ? 'rogue-server' : null;
}

/**
 * Why a frame of a guest may go to nobody, other guests included: it pretends to be the network or another machine. The MAC
 * that it comes from was checked before. A LAN segment has no rules. @returns null if it may pass
 */
export function guestVerdict(
  packet: Packet,
  services: ServicePlan | null,
  owners: Owners,
): DropReason | null {
  if (services === null) return null;
  if (packet.isIpv4) return ipv4Verdict(packet, services);
  if (packet.isIpv6) return ipv6Verdict(packet, services, owners);
  return packet.etherType === etherTypes.arp ? arpVerdict(packet, services, owners) : null;
}
