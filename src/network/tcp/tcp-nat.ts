import { formatIpv4 } from '../packet/ipv4-address.ts';
import { formatIpv6 } from '../packet/ipv6-address.ts';
import type { Packet } from '../packet/packet.ts';
import { Flow } from './flow.ts';
import { flowKey } from './flow-key.ts';
import { SegmentRun, type GuestLink } from './guest-link.ts';
import type { HostEvents } from './host-connection.ts';
import { LostConnections } from './lost-connections.ts';
import { SegmentWriter } from './segment-writer.ts';
import { Segment, tcpFlags } from './segment.ts';
import { Session } from './session.ts';
import type { TcpTools } from './tcp-tools.ts';

/** Connections of one adapter, and of those the ones that are not open yet. */
const [maxSessions, maxHalfOpen] = [4096, 256];
/** Bytes that may wait in each direction: in all connections together, about; and in each at least and at most. */
const [sharedBytes, leastShare, largestShare] = [32 * 1024 * 1024, 16 * 1024, 1024 * 1024];
/** Milliseconds between two looks for what has ended. */
const sweepMs = 1000;

const { syn, ack, rst } = tcpFlags;

/** Why a segment is dropped. */
export type Refusal = 'malformed' | 'exhaustion';

/** Ends the TCP connections that a guest opens to the outside, and opens one of the host for each. */
export class TcpNat {
  readonly #tools: TcpTools;
  readonly #run: SegmentRun;
  readonly #sessions = new Map<string, Session>();
  readonly #touched = new Set<Session>();
  readonly #lost: LostConnections;
  readonly #segment = new Segment();
  #halfOpen = 0;
  #isSweeping = false;
  #isWaiting = false;

  constructor(tools: TcpTools, link: GuestLink) {
    this.#tools = tools;
    this.#run = new SegmentRun(link);
    this.#lost = new LostConnections(this.#run);
  }

  get size(): number {
    return this.#sessions.size;
  }

  /**
   * Takes a segment from the address of the adapter to outside.
   * @param mtu of the network
   * @returns why it was dropped, or null; undefined if it belongs to no connection of these, and opens none
   */
  receive(packet: Packet, mtu: number): Refusal | null | undefined {
    const segment = this.#segment;
    if (!segment.read(packet)) return 'malformed';
    const key = flowKey(packet);
    const session = this.#sessions.get(key);
    if (session && !session.flow.isReopenedBy(segment)) {
      session.flow.segment(segment, this.#tools.now());
      this.#touched.add(session);
      return null;
    }
    if ((segment.flags & (syn | ack | rst)) === syn) {
      if (session) this.#remove(session);
      return this.#open(key, packet, mtu);
    }
    return this.#lost.answer(key, packet, segment) ? null : undefined;
  }

  /** Does what follows from the segments that have come. */
  settle(): void {
    const now = this.#tools.now();
    for (const session of this.#touched) session.forward();
    for (const session of [...this.#touched]) if (!this.#send(session, now)) break;
    this.#run.flush();
  }

  /** Has the guest notice that connections of an earlier process have ended. @param opening the SYN of one */
  lost(opening: Packet): void {
    this.#lost.add(opening);
  }

  /** Ends what is not allowed any more. @param isAllowed whether the SYN of a connection still passes */
  recheck(isAllowed: (opening: Buffer) => boolean): void {
    for (const session of this.#sessions.values()) {
      if (isAllowed(session.opening)) continue;
      session.flow.reset();
      this.#touched.add(session);
    }
    this.settle();
  }

  /** The guest is gone, with all that it knew. */
  clear(): void {
    for (const session of this.#sessions.values()) this.#remove(session);
    this.#touched.clear();
    this.#lost.clear();
    this.#isWaiting = false;
  }

  get #share(): number {
    return Math.min(largestShare, Math.max(leastShare, Math.floor(sharedBytes / this.#sessions.size)));
  }

  #open(key: string, packet: Packet, mtu: number): Refusal | null {
    if (this.#halfOpen >= maxHalfOpen || this.#sessions.size >= maxSessions) return 'exhaustion';
    const { random, now } = this.#tools;
    const mss = mtu - (packet.isIpv4 ? 40 : 60);
    const flow = new Flow(this.#segment, Math.floor(random() * 2 ** 32), mss, now());
    const opening = Buffer.from(packet.buffer.subarray(packet.start, packet.end));
    const session = new Session(key, flow, opening, new SegmentWriter(packet));
    this.#lost.forget(key);
    this.#sessions.set(key, session);
    this.#halfOpen += 1;
    session.host = this.#tools.dial(destinationOf(packet), packet.destinationPort, this.#eventsOf(session));
    this.#sweepLater();
    return null;
  }

  #eventsOf(session: Session): HostEvents {
    const { flow } = session;
    const then = (what: () => void) => () => {
      // What has ended may still hear that the host took the last of it.
      if (this.#sessions.get(session.key) !== session) return;
      what();
      this.#touched.add(session);
      this.settle();
    };
    return {
      room: () => this.#share,
      connected: then(() => {
        flow.connected();
        this.#tools.connections?.opened(session.opening);
      }),
      ended: then(() => (flow.sender.isEnding = true)),
      drained: then(() => undefined),
      failed: then(() => flow.reset()),
      received: (bytes) => {
        then(() => session.received(bytes, this.#share))();
        return !session.isPaused;
      },
    };
  }

  /** @returns false if the guest does not keep up */
  #send(session: Session, now: number): boolean {
    this.#touched.delete(session);
    if (!session.send(this.#run, this.#share, now)) {
      // It comes last when the guest has caught up.
      this.#touched.add(session);
      this.#waitForGuest();
      return false;
    }
    if (session.isHalfOpen && !session.flow.isOpening) this.#noMoreHalfOpen(session);
    if (session.flow.state === 'reset') this.#remove(session);
    else this.#arm(session);
    return true;
  }

  #noMoreHalfOpen(session: Session): void {
    if (session.isHalfOpen) this.#halfOpen -= 1;
    session.isHalfOpen = false;
  }

  #remove(session: Session): void {
    this.#sessions.delete(session.key);
    this.#touched.delete(session);
    this.#noMoreHalfOpen(session);
    this.#tools.connections?.ended(session.opening);
    if (session.flow.state !== 'ended') session.host?.reset();
  }

  #waitForGuest(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#run.link.whenCaughtUp(() => {
      this.#isWaiting = false;
      this.settle();
    });
  }

  /** Has the timer of a connection ring. What the timetable has for a time that has become a later one is looked at then. */
  #arm(session: Session): void {
    const at = session.flow.timeoutAt;
    if (at >= session.wakeAt) return;
    session.wakeAt = at;
    this.#tools.timetable.add(at, () => {
      if (session.wakeAt !== at || this.#sessions.get(session.key) !== session) return;
      session.wakeAt = Number.POSITIVE_INFINITY;
      session.flow.expire(this.#tools.now());
      this.#touched.add(session);
      this.settle();
    });
  }

  #sweepLater(): void {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    this.#tools.timetable.add(this.#tools.now() + sweepMs, () => {
      this.#isSweeping = false;
      const now = this.#tools.now();
      for (const session of this.#sessions.values()) if (session.isForgotten(now)) this.#remove(session);
      if (this.#sessions.size > 0) this.#sweepLater();
    });
  }
}

function destinationOf({ buffer, network, isIpv4, destination4 }: Packet): string {
  return isIpv4 ? formatIpv4(destination4) : formatIpv6(buffer, network + 24);
}
