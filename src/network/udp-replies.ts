import type { Ipv4 } from './packet/ipv4-address.ts';

/** Milliseconds that an answer may take: as long as libslirp keeps an idle UDP forward. */
const openMs = 240_000;
const maxFlows = 4096;

/**
 * Which datagrams of guests answer one that came through a forward of the host. libslirp sends whatever comes from a
 * forwarded port to any port of the host's loopback interface; only the port that asked may be answered.
 */
export class UdpReplies {
  /** By guest and asker; the oldest first. */
  readonly #flows = new Map<string, number>();

  /** A datagram from the host came for a guest. */
  opened(asker: Ipv4, askerPort: number, guest: Ipv4, guestPort: number, now: number): void {
    const key = `${guest}:${guestPort}>${asker}:${askerPort}`;
    this.#flows.delete(key);
    this.#flows.set(key, now);
    const oldest = this.#flows.keys().next().value;
    if (this.#flows.size > maxFlows && oldest !== undefined) this.#flows.delete(oldest);
  }

  /** Whether a datagram of a guest is an answer. */
  isAnswer(guest: Ipv4, guestPort: number, asker: Ipv4, askerPort: number, now: number): boolean {
    const at = this.#flows.get(`${guest}:${guestPort}>${asker}:${askerPort}`);
    return at !== undefined && now - at <= openMs;
  }
}
