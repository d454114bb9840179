import { broadcastOf, formatIpv4, parseIpv4, type Ipv4 } from './packet/ipv4-address.ts';
import { formatMac, parseMac, type Mac } from './packet/mac.ts';
import type { LeaseStatus } from './switch-config.ts';
import { emptyPlan, isNetworkAddress, type HostTable, type ServicePlan } from './switch-plan.ts';

/** Leases of adapters that the daemon does not know, such as those of machines inside a guest, for each port. */
const maxPerPort = 8;
/** Milliseconds that an offer is held, and that an address is left alone which a guest found in use. */
const offerMs = 60_000;
const declinedMs = 600_000;

interface Lease {
  readonly mac: Mac;
  readonly address: Ipv4;
  readonly port: string;
  readonly hostname: string | null;
  readonly startedAt: number;
  readonly expiresAt: number;
  readonly state: 'offered' | 'bound' | 'declined';
}

/** Who asks. */
export interface Client {
  readonly mac: Mac;
  readonly port: string;
  readonly hostname: string | null;
}

/** FNV-1a of the six bytes. */
function hashOf(mac: Mac): number {
  let hash = 0x811c_9dc5;
  for (let rest = mac, count = 0; count < 6; count += 1) {
    hash = Math.imul(hash ^ (rest % 256), 0x0100_0193) >>> 0;
    rest = Math.floor(rest / 256);
  }
  return hash;
}

/** The addresses that were given out. */
export class LeaseBook {
  #services: ServicePlan | null = null;
  #hosts: HostTable = emptyPlan.hosts;
  readonly #byMac = new Map<Mac, Lease>();
  readonly #byAddress = new Map<Ipv4, Lease>();
  readonly #changed: () => void;

  /** @param changed called when another lease is there, or one less */
  constructor(changed: () => void = () => undefined) {
    this.#changed = changed;
  }

  /** Takes over the leases of an earlier switch, as it reported them. */
  restore(leases: readonly LeaseStatus[], now: number): void {
    for (const { mac, address, ...rest } of leases) {
      const [ownMac, ownAddress] = [parseMac(mac), parseIpv4(address)];
      if (ownMac === undefined || ownAddress === undefined || rest.expiresAt <= now) continue;
      this.#add({ ...rest, mac: ownMac, address: ownAddress, state: 'bound' });
    }
  }

  /** Uses a new configuration; leases outside of it lapse at their next renewal. */
  configure(services: ServicePlan | null, hosts: HostTable, now: number): void {
    this.#services = services;
    this.#hosts = hosts;
    this.#dropOld(now);
    if (services === null) this.#clear();
  }

  /** The MAC to which an address belongs: by the configuration, or by a lease. */
  ownerOf(address: Ipv4, now: number): Mac | undefined {
    const host = this.#hosts.byAddress.get(address);
    if (host) return host.mac;
    const lease = this.#byAddress.get(address);
    return lease && lease.state !== 'declined' && lease.expiresAt > now ? lease.mac : undefined;
  }

  /** Whether a client may have this address. */
  mayHave({ mac, port }: Client, address: Ipv4, now: number): boolean {
    const host = this.#hosts.byMac.get(mac);
    if (host) return host.address === address;
    return this.#isFree(address, mac, now) && this.#hasRoom(mac, port, now);
  }

  /**
   * The address for a client: the configured one, or one of the pool, which follows from the MAC as long as it is free.
   * @param wish an address that it had before
   * @returns undefined if its port has too many already, or the pool is used up
   */
  choose(client: Client, wish: Ipv4 | undefined, now: number): Ipv4 | undefined {
    const { mac } = client;
    const host = this.#hosts.byMac.get(mac);
    if (host) return host.address;
    if (!this.#services || !this.#hasRoom(mac, client.port, now)) return undefined;
    const held = this.#byMac.get(mac);
    if (held && this.#isFree(held.address, mac, now)) return held.address;
    if (wish !== undefined && this.#isFree(wish, mac, now)) return wish;
    const [first, last] = this.#services.pool;
    const size = last - first + 1;
    const start = hashOf(mac) % size;
    for (let step = 0; step < size; step += 1) {
      const address = first + ((start + step) % size);
      if (this.#isFree(address, mac, now)) return address;
    }
    return undefined;
  }

  /** Holds an address for a client that has not accepted it yet. */
  offer(client: Client, address: Ipv4, now: number): void {
    if (this.#byMac.get(client.mac)?.state === 'bound' || this.#hosts.byMac.has(client.mac)) return;
    this.#add({ ...client, address, startedAt: now, expiresAt: now + offerMs, state: 'offered' });
  }

  /** @param leaseMs milliseconds until it expires */
  bind(client: Client, address: Ipv4, now: number, leaseMs: number): void {
    const earlier = this.#byMac.get(client.mac);
    const isSame = earlier?.address === address && earlier.state === 'bound' && earlier.expiresAt > now;
    const startedAt = isSame ? earlier.startedAt : now;
    this.#add({ ...client, address, startedAt, expiresAt: now + leaseMs, state: 'bound' });
  }

  /** Gives an address back. */
  release(mac: Mac, address?: Ipv4): void {
    const lease = this.#byMac.get(mac);
    if (lease && (address === undefined || lease.address === address)) this.#remove(lease);
  }

  /** Gives up an offer that the client did not take. */
  withdraw(mac: Mac): void {
    if (this.#byMac.get(mac)?.state === 'offered') this.release(mac);
  }

  /** A client found that somebody uses the address that it was given: nobody gets it for a while. */
  decline(mac: Mac, address: Ipv4, now: number): void {
    const lease = this.#byMac.get(mac);
    if (lease?.address !== address) return;
    this.#remove(lease);
    if (this.#hosts.byMac.has(mac)) return;
    // It counts as one of the port's addresses, so that a guest cannot decline them all.
    this.#byAddress.set(address, { ...lease, expiresAt: now + declinedMs, state: 'declined' });
  }

  /** The leases that clients have accepted. */
  status(now: number): LeaseStatus[] {
    return [...this.#byMac.values()]
      .filter(({ state, expiresAt }) => state === 'bound' && expiresAt > now)
      .map(({ mac, address, hostname, port, startedAt, expiresAt }) => ({
        mac: formatMac(mac),
        address: formatIpv4(address),
        hostname,
        port,
        startedAt,
        expiresAt,
      }));
  }

  #isFree(address: Ipv4, mac: Mac, now: number): boolean {
    const services = this.#services;
    if (!services || address < services.pool[0] || address > services.pool[1]) return false;
    if (isNetworkAddress(address, services) || this.#hosts.byAddress.has(address)) return false;
    if (address === services.subnet.address || address === broadcastOf(services.subnet)) return false;
    const lease = this.#byAddress.get(address);
    return !lease || lease.expiresAt <= now || (lease.mac === mac && lease.state !== 'declined');
  }

  #hasRoom(mac: Mac, port: string, now: number): boolean {
    const counts = ({ mac: other, port: its, expiresAt, state }: Lease) =>
      its === port &&
      expiresAt > now &&
      (other !== mac || state === 'declined') &&
      !this.#hosts.byMac.has(other);
    let count = 0;
    for (const lease of this.#byAddress.values()) if (counts(lease)) count += 1;
    return count < maxPerPort;
  }

  #add(lease: Lease): void {
    this.#dropOld(lease.startedAt);
    const earlier = this.#byMac.get(lease.mac);
    if (earlier) this.#remove(earlier);
    const other = this.#byAddress.get(lease.address);
    if (other) this.#remove(other);
    this.#byMac.set(lease.mac, lease);
    this.#byAddress.set(lease.address, lease);
    if (lease.state === 'bound') this.#changed();
  }

  #remove(lease: Lease): void {
    if (this.#byMac.get(lease.mac) === lease) this.#byMac.delete(lease.mac);
    if (this.#byAddress.get(lease.address) === lease) this.#byAddress.delete(lease.address);
    if (lease.state === 'bound') this.#changed();
  }

  #dropOld(now: number): void {
    for (const lease of [...this.#byMac.values(), ...this.#byAddress.values()]) {
      if (lease.expiresAt <= now) this.#remove(lease);
    }
  }

  #clear(): void {
    this.#byMac.clear();
    this.#byAddress.clear();
  }
}
