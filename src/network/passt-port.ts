import type { Outlet } from './output.ts';
import { u8 } from './packet/bytes.ts';
import { isInSubnet, type Ipv4 } from './packet/ipv4-address.ts';
import type { Mac } from './packet/mac.ts';
import { protocols, type Packet } from './packet/packet.ts';
import { PasstFlows } from './passt-flows.ts';
import { Port } from './port.ts';
import type { SwitchPlan } from './switch-plan.ts';

const syn = 2;
/** Milliseconds in which the connections that an earlier switch led to the passt are looked for. */
const searchMs = 10_000;
/** Connections of slirp that are told from them meanwhile. */
const maxOthers = 4096;

/**
 * The passt of an adapter: it opens the TCP connections of that guest on the host, with windows that grow, which those of
 * slirp do not. Only for the MAC and the address that belong to the adapter, because a passt knows one of each.
 *
 * UDP stays with slirp: passt takes no fragments, and sends whatever comes from the host in one frame, however long. So does
 * IPv6, where a guest has several addresses, of which a passt of 2023 answers the last one that it saw.
 */
export class PasstPort extends Port {
  /** It sends to one guest, and would otherwise send more than that one takes. */
  override readonly patienceMs = 1000;
  readonly #flows = new PasstFlows();
  readonly #now: () => number;
  /** Those of slirp, which has sent something to the guest. */
  readonly #others = new Set<string>();
  /** When no more is looked for. The passt that is met first may have served an earlier switch; the next one is new. */
  #searchEnds = Number.POSITIVE_INFINITY;

  /** @param now the clock, in milliseconds */
  constructor(maxFrame: number, now: () => number) {
    super(maxFrame, now());
    this.#now = now;
  }

  override plug(outlet: Outlet | null): void {
    super.plug(outlet);
    this.#flows.clear();
    const isFirst = this.#searchEnds === Number.POSITIVE_INFINITY;
    if (outlet === null) this.#searchEnds = isFirst ? this.#searchEnds : 0;
    else if (isFirst) this.#searchEnds = this.#now() + searchMs;
  }

  /** Notes what slirp sends to the guest. */
  hears(packet: Packet): void {
    if (!isSegment(packet) || this.#now() >= this.#searchEnds || this.#others.size >= maxOthers) return;
    const { source4, sourcePort, destinationPort } = packet;
    this.#others.add(`${destinationPort}>${source4}:${sourcePort}`);
  }

  /** Whether a frame that a guest may send out goes this way. @param mac that of the adapter */
  takes(packet: Packet, mac: Mac, plan: SwitchPlan): boolean {
    if (this.outlet === null || !isSegment(packet) || packet.source !== mac) return false;
    const { source4, destination4, sourcePort, destinationPort } = packet;
    if (!isBetween(source4, mac, destination4, plan)) return false;
    const [flow, flags] = [`${sourcePort}>${destination4}:${destinationPort}`, flagsOf(packet)];
    if (this.#flows.carries(flow, flags)) return true;
    // If it is one of its own, passt answers, and it is known from then on.
    return (flags & syn) === 0 && this.#now() < this.#searchEnds && !this.#others.has(flow);
  }

  /** Whether a frame of passt may go to its guest: nothing but segments from outside to the address of the adapter. */
  mayReach(packet: Packet, mac: Mac, plan: SwitchPlan): boolean {
    if (!isSegment(packet) || packet.destination !== mac) return false;
    const { source4, destination4, sourcePort, destinationPort } = packet;
    if (!isBetween(destination4, mac, source4, plan)) return false;
    this.#flows.answered(`${destinationPort}>${source4}:${sourcePort}`, flagsOf(packet));
    return true;
  }
}

/** Whether one address is that of the adapter with a MAC, and the other outside of the network. */
function isBetween(inside: Ipv4, mac: Mac, outside: Ipv4, { services, hosts }: SwitchPlan): boolean {
  if (services === null || isInSubnet(outside, services.subnet)) return false;
  return hosts.byMac.get(mac)?.address === inside;
}

function isSegment(packet: Packet): boolean {
  const { isIpv4, tags, fragment, protocol, transportLength } = packet;
  return isIpv4 && tags === 0 && fragment === 'none' && protocol === protocols.tcp && transportLength >= 20;
}

function flagsOf({ buffer, transport }: Packet): number {
  return u8(buffer, transport + 13);
}
