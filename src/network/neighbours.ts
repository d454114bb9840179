import { hasPrefix, ipv6Length } from './packet/ipv6-address.ts';
import type { Mac } from './packet/mac.ts';
import { claimedAt, isNdp } from './packet/ndp.ts';
import type { Packet } from './packet/packet.ts';
import type { HostTable, ServicePlan } from './switch-plan.ts';

/** A guest makes new addresses from time to time, and keeps the one before. */
const maxPerHost = 2;

/** Which IPv6 addresses the adapters of machines have, from neighbour discovery. */
export class Neighbours {
  /** The newest last. */
  readonly #addresses = new Map<Mac, Buffer[]>();

  addressesOf(mac: Mac): readonly Buffer[] {
    return this.#addresses.get(mac) ?? [];
  }

  /** Notes an address that the sender says is its own. `guestVerdict` has passed the packet. */
  note(packet: Packet, { prefix6 }: ServicePlan, hosts: HostTable): void {
    if (!isNdp(packet) || !hosts.byMac.has(packet.source)) return;
    const at = claimedAt(packet);
    if (at === -1 || !hasPrefix(packet.buffer, at, prefix6, 8)) return;
    const known = this.#addresses.get(packet.source) ?? [];
    const address = Buffer.from(packet.buffer.subarray(at, at + ipv6Length));
    const others = known.filter((each) => !each.equals(address));
    this.#addresses.set(packet.source, [...others, address].slice(-maxPerHost));
  }

  /** Forgets the addresses of an adapter that was unplugged. */
  forget(mac: Mac): void {
    this.#addresses.delete(mac);
  }
}
