import type { GuestPort } from './guest-port.ts';
import { isInSubnet } from './packet/ipv4-address.ts';
import { hasPrefix } from './packet/ipv6-address.ts';
import { protocols, Packet } from './packet/packet.ts';
import type { FrameSource } from './port.ts';

import type { SwitchPlan } from './switch-plan.ts';
import type { OpenConnections, SwitchTools } from './switch-tools.ts';
import type { GuestLink } from './tcp/guest-link.ts';
import { TcpNat, type Refusal } from './tcp/tcp-nat.ts';
import { uplinkVerdict, type UplinkContext } from './uplink-policy.ts';

/**
 * Where the TCP connections of an adapter go that it opens to the outside: they end here, in windows that slirp does not have, and
 * the host opens its own. Only for the MAC and the address that belong to the adapter, over IPv6 for any address with the prefix of
 * the network. All else is for the NAT process: UDP, forwards and their answers, fragments, the addresses of the network itself,
 * those that a guest chose, and connections that are not known, which it resets at once.
 */
export class TcpUplink implements FrameSource {
  readonly nat: TcpNat;
  readonly #connections: OpenConnections | null;

  readonly #port: GuestPort;

  /** @param port that of the adapter */
  constructor(port: GuestPort, tools: SwitchTools, link: GuestLink) {
    this.#port = port;
    this.nat = new TcpNat(tools, link);
    this.#connections = tools.connections;
  }

  /**
   * The adapter is there, or gone. One that is gone takes its connections with it: what comes back may be of another time. One that
   * is there is told of those that the switch before this one had.
   */
  reconnected(): void {
    this.nat.clear();
    if (this.#port.outlet === null) return;
    const packet = new Packet();
    for (const opening of this.#connections?.takeLeft(this.#port.mac) ?? [])
      if (packet.read(opening, 0, opening.length) && isSegment(packet)) this.nat.lost(packet);
    this.nat.settle();
  }

  /** What is lost on the way to the guest is sent again, so it need not be counted. */
  drop(): void {}

  /** Takes a frame that a guest may send out. @returns as `TcpNat.receive`; undefined if it does not go this way */
  receive(packet: Packet, plan: SwitchPlan): Refusal | null | undefined {
    return goesOut(packet, this.#port.mac, plan) ? this.nat.receive(packet, plan.mtu) : undefined;
  }

  /** Ends the connections that a new configuration does not allow any more. @param context null where nothing goes out */
  recheck(plan: SwitchPlan, context: UplinkContext | null): void {
    const packet = new Packet();
    const { mac } = this.#port;
    this.nat.recheck((opening) => {
      const isRead = packet.read(opening, 0, opening.length);
      return (
        isRead && context !== null && uplinkVerdict(packet, context) === null && goesOut(packet, mac, plan)
      );
    });
  }
}

function goesOut(packet: Packet, mac: number, plan: SwitchPlan): boolean {
  return isSegment(packet) && packet.source === mac && isFromInside(packet, plan);
}

function isSegment({
  isIpv4,
  isIpv6,
  tags,
  hasOptions,
  fragment,
  protocol,
  transportLength,
}: Packet): boolean {
  const isPlain = (isIpv4 || isIpv6) && tags === 0 && !hasOptions && fragment === 'none';
  return isPlain && protocol === protocols.tcp && transportLength >= 20;
}

/** Whether it goes from an address of the adapter with that MAC to outside of the network. */
function isFromInside(packet: Packet, { services, hosts }: SwitchPlan): boolean {
  if (services === null) return false;
  if (packet.isIpv4) {
    const { source, source4, destination4 } = packet;
    return hosts.byMac.get(source)?.address === source4 && !isInSubnet(destination4, services.subnet);
  }
  const isInside = (at: number) => hasPrefix(packet.buffer, packet.network + at, services.prefix6, 8);
  return isInside(8) && !isInside(24);
}
