import { DhcpServer } from './dhcp-server.ts';
import type { LeaseBook } from './lease-book.ts';
import { answerName } from './name-server.ts';
import { Neighbours } from './neighbours.ts';
import { arpReply, readArp } from './packet/arp.ts';
import { echoReply, udp4, udp6 } from './packet/build.ts';
import { u16 } from './packet/bytes.ts';
import { dhcpPorts, readDhcpRequest } from './packet/dhcp-message.ts';
import { dnsCodes, dnsReply, readDnsQuery, type DnsAnswer } from './packet/dns-message.ts';
import { broadcastIpv4, broadcastOf } from './packet/ipv4-address.ts';
import { hasPrefix, ipv6Length } from './packet/ipv6-address.ts';
import { broadcastMac } from './packet/mac.ts';
import { etherTypes, protocols, type Packet } from './packet/packet.ts';
import type { DropReason } from './switch-config.ts';
import type { ServicePlan, SwitchPlan } from './switch-plan.ts';

const dnsPort = 53;
const echoRequest = 8;
/** Longest ICMP message that is answered: one without fragments on an Ethernet of jumbo frames. */
const maxEcho = 9000;

/** A plan with services. */
export type ServedPlan = SwitchPlan & { readonly services: ServicePlan };

/** The port from which a packet came. */
export interface Asker {
  readonly id: string;
  /** Whether a MAC may ask for an address on this port: it is not that of another one. */
  mayUse(mac: number): boolean;
  /** Sends it a frame. */
  reply(frame: Buffer): void;
}

/** `pass`: not for the switch itself, so it is switched; `done`: nothing is left to do with it; otherwise it is dropped. */
export type ServiceOutcome = 'pass' | 'done' | DropReason;

/** Bytes of a UDP datagram; undefined if its length is wrong. */
function datagram({ buffer, transport, transportLength, fragment }: Packet): Buffer | undefined {
  const length = u16(buffer, transport + 4);
  if (fragment !== 'none' || length < 8 || length > transportLength) return undefined;
  return buffer.subarray(transport + 8, transport + length);
}

/** What the switch answers itself: ARP and echo for its own address, DHCP, and the names of machines. */
export class NetworkServices {
  readonly #dhcp: DhcpServer;
  readonly neighbours = new Neighbours();

  constructor(leases: LeaseBook) {
    this.#dhcp = new DhcpServer(leases);
  }

  /** @param now milliseconds since 1970 */
  handle(packet: Packet, asker: Asker, plan: ServedPlan, now: number): ServiceOutcome {
    const { services, uplink } = plan;
    const { destination, isIpv4, isIpv6 } = packet;
    const isOwn = destination === services.serverMac;
    if (packet.tags > 0) return isOwn ? 'done' : 'pass';
    if (packet.etherType === etherTypes.arp) return this.#arp(packet, asker, services) ? 'done' : 'pass';
    if (isIpv4 && services.dhcp && this.#isDhcp(packet, services))
      return this.#answerDhcp(packet, asker, plan, now);
    const toUplink = uplink?.macs.has(destination) === true;
    if (packet.isUdp && packet.destinationPort === dnsPort && (isOwn || toUplink)) {
      if (
        isIpv4 &&
        (packet.destination4 === services.dhcpServer || packet.destination4 === services.nameServer)
      )
        return this.#answerDns(packet, asker, plan);
      if (isIpv6 && hasPrefix(packet.buffer, packet.network + 24, services.nameServer6, ipv6Length))
        return this.#answerDns(packet, asker, plan);
    }
    if (!isOwn) return 'pass';
    if (isIpv4) this.#echo(packet, asker, services);
    return 'done';
  }

  #arp(packet: Packet, asker: Asker, { dhcpServer, serverMac }: ServicePlan): boolean {
    const arp = readArp(packet);
    if (arp?.target !== dhcpServer) return packet.destination === serverMac;
    if (arp.operation === 'request')
      asker.reply(arpReply(serverMac, dhcpServer, { mac: packet.source, address: arp.sender }));
    return true;
  }

  #isDhcp(packet: Packet, { serverMac, dhcpServer, subnet }: ServicePlan): boolean {
    const { destination, destination4 } = packet;
    if (!packet.isUdp || packet.destinationPort !== dhcpPorts.server) return false;
    if (destination !== broadcastMac && destination !== serverMac) return false;
    return (
      destination4 === broadcastIpv4 || destination4 === dhcpServer || destination4 === broadcastOf(subnet)
    );
  }

  #answerDhcp(packet: Packet, asker: Asker, plan: ServedPlan, now: number): ServiceOutcome {
    const data = datagram(packet);
    const request = data && readDhcpRequest(data);
    if (!request) return 'malformed';
    if (request.relay !== 0) return 'done';
    if (!asker.mayUse(request.mac)) return 'spoofed-mac';
    const outcome = this.#dhcp.answer(request, asker.id, plan, now);
    if (outcome === 'exhausted') return 'exhaustion';
    if (outcome === 'ignored') return 'done';
    const { serverMac, dhcpServer } = plan.services;
    const isBroadcast = outcome.isNak || (request.broadcast && request.clientAddress === 0);
    const address = isBroadcast ? broadcastIpv4 : request.clientAddress || outcome.address;
    asker.reply(
      udp4(
        { mac: serverMac, address: dhcpServer, port: dhcpPorts.server },
        { mac: isBroadcast ? broadcastMac : request.mac, address, port: dhcpPorts.client },
        outcome.reply,
      ),
    );
    return 'done';
  }

  /** On a network with a way out, the questions of other domains go to the name server of the NAT process. */
  #answerDns(packet: Packet, asker: Asker, plan: ServedPlan): ServiceOutcome {
    const data = datagram(packet);
    const query = data && readDnsQuery(data);
    if (!query) return 'malformed';
    const isAlone = packet.destination === plan.services.serverMac || plan.uplink?.outbound !== true;
    const notImplemented = { code: dnsCodes.notImplemented, records: [], ttl: 0, authoritative: false };
    const refused = { ...notImplemented, code: dnsCodes.refused };
    const known =
      query.opcode === 0
        ? answerName(query, plan.services, plan.hosts, (mac) => this.neighbours.addressesOf(mac))
        : null;
    const answer: DnsAnswer = known ?? (query.opcode === 0 ? refused : notImplemented);
    if (known === null && !isAlone) return 'pass';
    this.#replyUdp(packet, asker, dnsReply(query, answer));
    return 'done';
  }

  /** Answers a datagram from where it was sent to. */
  #replyUdp(packet: Packet, asker: Asker, data: Buffer): void {
    const { buffer, network, source, destination, sourcePort, destinationPort } = packet;
    if (packet.isIpv4) {
      const from = { mac: destination, address: packet.destination4, port: destinationPort };
      asker.reply(udp4(from, { mac: source, address: packet.source4, port: sourcePort }, data));
    } else {
      const address = (at: number) => buffer.subarray(network + at, network + at + ipv6Length);
      const from = { mac: destination, address: address(24), port: destinationPort };
      asker.reply(udp6(from, { mac: source, address: address(8), port: sourcePort }, data));
    }
  }

  #echo(packet: Packet, asker: Asker, { serverMac, dhcpServer }: ServicePlan): void {
    const { protocol, fragment, icmpType, transportLength, destination4 } = packet;
    const isEcho = protocol === protocols.icmp && fragment === 'none' && icmpType === echoRequest;
    if (!isEcho || destination4 !== dhcpServer || transportLength < 8 || transportLength > maxEcho) return;
    const icmp = packet.buffer.subarray(packet.transport, packet.transportEnd);
    const to = { mac: packet.source, address: packet.source4 };
    asker.reply(echoReply({ mac: serverMac, address: dhcpServer }, to, icmp));
  }
}
