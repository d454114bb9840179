import { isNetworkAddress6, type Owners } from './guest-policy.ts';
import { readArp } from './packet/arp.ts';
import { u8 } from './packet/bytes.ts';
import { dhcpPorts } from './packet/dhcp-message.ts';
import { isInSubnet, type Ipv4 } from './packet/ipv4-address.ts';
import {
  hasPrefix,
  ipv6Length,
  isEmbedded,
  isLinkLocal,
  isMulticast6,
  isSiteLocal,
} from './packet/ipv6-address.ts';
import { isNdp, ndpTypes } from './packet/ndp.ts';
import { etherTypes, protocols, type Packet } from './packet/packet.ts';
import type { DropReason } from './switch-config.ts';
import { isNetworkAddress, type ServicePlan, type UplinkPlan } from './switch-plan.ts';
import type { UdpReplies } from './udp-replies.ts';

/*
 * What may pass between guests and the NAT process, libslirp. It leads every address of its own subnet and IPv6 prefix, and
 * link-local ones, to the loopback interface of the host, so here everything is forbidden that is not needed.
 */

const ports = { dns: 53, tftp: 69, dhcp6Client: 546 } as const;
const echoRequest = { icmp: 8, icmpv6: 128 } as const;
const [syn, ack] = [0x02, 0x10];

/** What a verdict depends on. */
export interface UplinkContext {
  readonly services: ServicePlan;
  readonly uplink: UplinkPlan;
  readonly owners: Owners;
  readonly replies: UdpReplies;
  /** Milliseconds. */
  readonly now: number;
}

/** 0/8, 127/8, 169.254/16 (which RFC 3927 forbids to route), multicast, class E and broadcast. */
function isReserved(address: Ipv4): boolean {
  const first = address >>> 24;
  return first === 0 || first === 127 || first >= 224 || address >>> 16 === 0xa9fe;
}

/** Whether it belongs to a connection from the host: TCP that opens none, UDP to who asked. */
function answersForward(packet: Packet, { replies, now }: UplinkContext): boolean {
  if (packet.fragment !== 'none') return false;
  if (packet.protocol === protocols.tcp) {
    const flags = u8(packet.buffer, packet.transport + 13);
    return packet.transportLength >= 20 && (flags & (syn | ack)) !== syn;
  }
  if (!packet.isUdp) return false;
  const { source4, sourcePort, destination4, destinationPort } = packet;
  return replies.isAnswer(source4, sourcePort, destination4, destinationPort, now);
}

function mayReachGateway(packet: Packet, context: UplinkContext): boolean {
  const { services, uplink } = context;
  // The gateway's own DHCP server knows 16 clients; that of the switch is used.
  if (packet.isUdp && packet.destinationPort === dhcpPorts.server) return false;
  if (uplink.hostLoopback) return true;
  if (packet.fragment !== 'none') return false;
  if (packet.isUdp && packet.destinationPort === ports.tftp && services.bootFile !== null) return true;
  const isEcho = packet.protocol === protocols.icmp && packet.icmpType === echoRequest.icmp;
  return (isEcho && uplink.outbound) || answersForward(packet, context);
}

function mayReachNameServer(packet: Packet, { uplink }: UplinkContext): boolean {
  if (packet.fragment !== 'none' || !uplink.outbound) return false;
  if (packet.protocol === protocols.icmp) return packet.icmpType === echoRequest.icmp;
  return packet.hasPorts && packet.destinationPort === ports.dns;
}

function ipv4Verdict(packet: Packet, context: UplinkContext): DropReason | null {
  const { services, uplink, owners } = context;
  const { source4, destination4 } = packet;
  const owner = owners.ownerOf(source4);
  const isForeign = owner !== undefined && owner !== packet.source;
  if (isForeign || !isInSubnet(source4, services.subnet) || isNetworkAddress(source4, services))
    return 'spoofed-address';
  if (packet.hasOptions || isReserved(destination4)) return 'forbidden';
  if (destination4 === services.gateway) return mayReachGateway(packet, context) ? null : 'forbidden';
  if (destination4 === services.nameServer) return mayReachNameServer(packet, context) ? null : 'forbidden';
  const isPrivate = isInSubnet(destination4, services.subnet);
  if (isPrivate || uplink.forbidden.some((subnet) => isInSubnet(destination4, subnet))) return 'forbidden';
  return uplink.outbound || answersForward(packet, context) ? null : 'forbidden';
}

/** To an address that libslirp takes for its own. */
function mayReachOwn6(packet: Packet, { services, uplink }: UplinkContext): boolean {
  const at = packet.network + 24;
  const is = (address: Buffer) => hasPrefix(packet.buffer, at, address, ipv6Length);
  if (uplink.hostLoopback && is(services.gateway6)) return true;
  if (packet.protocol === protocols.icmpv6)
    return packet.icmpType === echoRequest.icmpv6 && isNetworkAddress6(packet.buffer, at, services);
  return packet.hasPorts && packet.destinationPort === ports.dns && is(services.nameServer6);
}

function ipv6Verdict(packet: Packet, context: UplinkContext): DropReason | null {
  const { buffer, network } = packet;
  const at = network + 24;
  if (!context.uplink.outbound || packet.hasOptions) return 'forbidden';
  if (isNdp(packet)) {
    const { icmpType } = packet;
    return icmpType === ndpTypes.routerAdvertisement || icmpType === ndpTypes.redirect
      ? 'rogue-server'
      : null;
  }
  if (isMulticast6(buffer, at) || isEmbedded(buffer, at) || isSiteLocal(buffer, at)) return 'forbidden';
  const isOwn = isLinkLocal(buffer, at) || hasPrefix(buffer, at, context.services.prefix6, 8);
  return !isOwn || mayReachOwn6(packet, context) ? null : 'forbidden';
}

/** Why a frame of a guest may not go to the NAT process; null if it may. `guestVerdict` has passed it. */
export function uplinkVerdict(packet: Packet, context: UplinkContext): DropReason | null {
  if (packet.tags > 0) return 'forbidden';
  if (packet.isIpv4) return ipv4Verdict(packet, context);
  if (packet.isIpv6) return ipv6Verdict(packet, context);
  const arp = packet.etherType === etherTypes.arp ? readArp(packet) : undefined;
  const { gateway, nameServer } = context.services;
  return arp?.target === gateway || arp?.target === nameServer ? null : 'forbidden';
}

/**
 * Whether a frame of the NAT process may go to guests: not its DHCP, and nothing but ARP and IP. Notes who may be answered.
 */
export function mayReachGuests(packet: Packet, { services, uplink, replies, now }: UplinkContext): boolean {
  if (packet.tags > 0) return false;
  if (packet.isIpv6)
    return uplink.outbound && !(packet.isUdp && packet.destinationPort === ports.dhcp6Client);
  if (!packet.isIpv4) return packet.etherType === etherTypes.arp;
  if (!packet.isUdp) return true;
  const { source4, sourcePort, destination4, destinationPort } = packet;
  if (sourcePort === dhcpPorts.server || destinationPort === dhcpPorts.client) return false;
  if (source4 === services.gateway || !uplink.outbound)
    replies.opened(source4, sourcePort, destination4, destinationPort, now);
  return true;
}
