import type { Mac } from './packet/mac.ts';

/** Milliseconds after which an address that sent nothing is forgotten, as in the bridge of Linux. */
const ageMs = 300_000;
/** Milliseconds of silence after which an address may appear at another port. So one in use cannot be taken away. */
const moveMs = 1000;
/** Addresses that one port may have besides its own: enough for machines inside a guest. */
const maxPerPort = 64;

/** Milliseconds between two searches for old entries of a full port. */
const searchMs = 10_000;

interface Learned<Port> {
  port: Port;
  seenAt: number;
}

interface Share {
  count: number;
  searchedAt: number;
}

export type Learning = 'known' | 'elsewhere' | 'full';

/** Which addresses are behind which port, found from the sources of frames. */
export class LearningTable<Port> {
  readonly #learned = new Map<Mac, Learned<Port>>();
  readonly #shares = new Map<Port, Share>();

  /** The port of an address, or undefined if it is not known. */
  find(mac: Mac, now: number): Port | undefined {
    const entry = this.#learned.get(mac);
    if (!entry) return undefined;
    if (now - entry.seenAt <= ageMs) return entry.port;
    this.#forget(mac, entry);
    return undefined;
  }

  /** Notes that an address sent from a port. `elsewhere`: another port uses it; `full`: this one has too many. */
  learn(mac: Mac, port: Port, now: number): Learning {
    const entry = this.#learned.get(mac);
    if (entry?.port === port) {
      entry.seenAt = now;
      return 'known';
    }
    if (entry && now - entry.seenAt <= moveMs) return 'elsewhere';
    const share = this.#shareOf(port);
    if (share.count >= maxPerPort) this.#dropOld(port, share, now);
    if (share.count >= maxPerPort) return 'full';
    if (entry) this.#forget(mac, entry);
    this.#learned.set(mac, { port, seenAt: now });
    share.count += 1;
    return 'known';
  }

  /** Forgets an address, which has become the own one of a port. */
  forget(mac: Mac): void {
    const entry = this.#learned.get(mac);
    if (entry) this.#forget(mac, entry);
  }

  /** Forgets the addresses of a port that is gone. */
  forgetPort(port: Port): void {
    for (const [mac, entry] of this.#learned) if (entry.port === port) this.#learned.delete(mac);
    this.#shares.delete(port);
  }

  get size(): number {
    return this.#learned.size;
  }

  #shareOf(port: Port): Share {
    let share = this.#shares.get(port);
    if (!share) {
      share = { count: 0, searchedAt: Number.NEGATIVE_INFINITY };
      this.#shares.set(port, share);
    }
    return share;
  }

  #forget(mac: Mac, { port }: Learned<Port>): void {
    this.#learned.delete(mac);
    this.#shareOf(port).count -= 1;
  }

  #dropOld(port: Port, share: Share, now: number): void {
    if (now - share.searchedAt < searchMs) return;
    share.searchedAt = now;
    for (const [mac, entry] of this.#learned) {
      if (entry.port === port && now - entry.seenAt > ageMs) this.#forget(mac, entry);
    }
  }
}
