import { fnv1a } from '../core/fnv.ts';
import type { Network } from './network.ts';
import { formatAddress, layoutOf, subnetOf, type Subnet } from './network-subnet.ts';

/** The addresses of a network that are taken: chosen by a person, or given to an adapter. */
export type Taken = ReadonlySet<string>;

/**
 * The address for an adapter: that to which the hash of its MAC leads, or the next one that is free. The same MAC gets the same
 * address again, also in a network that forgot it.
 * @returns dotted decimal; undefined if all addresses for machines are taken
 */
export function stableAddress(subnet: Subnet, mac: string, taken: Taken): string | undefined {
  const [first, last] = layoutOf(subnet).machines;
  const count = last - first + 1;
  const start = fnv1a(mac) % count;
  for (let step = 0; step < count; step += 1) {
    const address = formatAddress(first + ((start + step) % count));
    if (!taken.has(address)) return address;
  }
  return undefined;
}

/** The address of an adapter: that which a person chose, or the network's own choice; undefined before it has one. */
export function addressOf({ reservations, addresses }: Network, mac: string): string | undefined {
  return Object.hasOwn(reservations, mac) ? reservations[mac] : own(addresses, mac);
}

function own(map: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

/** Every address that is spoken for. */
export function takenIn({ reservations, addresses, forwards }: Network): Set<string> {
  const targets = forwards.flatMap(({ target }) => ('address' in target ? [target.address] : []));
  return new Set([...Object.values(reservations), ...Object.values(addresses), ...targets]);
}

/**
 * Gives each of these adapters an address that it keeps. Adapters that are gone keep theirs too, until the network is full.
 * @param macs of all adapters that are in the network now
 * @returns the same network if nothing is new
 */
export function withAddresses(network: Network, macs: readonly string[]): Network {
  if (network.subnet === null) return network;
  const subnet = subnetOf(network.subnet);
  const missing = macs.filter((mac) => addressOf(network, mac) === undefined);
  if (missing.length === 0) return network;
  const given = new Map(Object.entries(network.addresses));
  const taken = takenIn(network);
  for (const mac of missing) {
    const address = stableAddress(subnet, mac, taken) ?? freedAddress(subnet, mac, given, taken, macs);
    // The network is full of living adapters: its DHCP server says so to the guest.
    if (address === undefined) continue;
    given.set(mac, address);
    taken.add(address);
  }
  return { ...network, addresses: Object.fromEntries(given) };
}

/** In a full network: takes the addresses of adapters that are gone, and then looks again. */
function freedAddress(
  subnet: Subnet,
  mac: string,
  given: Map<string, string>,
  taken: Set<string>,
  living: readonly string[],
): string | undefined {
  for (const [other, address] of given) {
    if (living.includes(other)) continue;
    given.delete(other);
    taken.delete(address);
  }
  return stableAddress(subnet, mac, taken);
}

/** The prefix of a network's IPv6 addresses, of 64 bits: unique local (RFC 4193), and the same as long as its subnet is. */
export function ipv6PrefixOf({ name, subnet }: Pick<Network, 'name' | 'subnet'>): string {
  const text = `${name} ${subnet}`;
  const [high, low] = [fnv1a(text), fnv1a(text, 1)];
  const groups = [0xfd00 | (high >>> 24), (high >>> 8) & 0xffff, low >>> 16, low & 0xffff];
  return `${groups.map((group) => group.toString(16)).join(':')}::`;
}
