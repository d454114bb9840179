import { Congestion } from './congestion.ts';
import { RoundTrip } from './round-trip.ts';
import { tcpFlags, type Segment } from './segment.ts';
import { SendBuffer } from './send-buffer.ts';
import { advance, distance, type Sequence } from './sequence.ts';

/** Attempts to send the same again, after which the guest counts as gone. */
const maxAttempts = 20;

/** A piece of what is sent. */
export interface Piece {
  readonly sequence: Sequence;
  readonly offset: number;
  readonly length: number;
  readonly flags: number;
}

/** What a guest gets of a connection: what waits for it, and what it has acknowledged. */
export class Sender {
  readonly buffer = new SendBuffer();
  readonly #mss: number;
  readonly #shift: number;
  readonly #congestion: Congestion;
  readonly #roundTrip = new RoundTrip();
  /** SND.UNA, SND.NXT, and the latter before anything was sent again. */
  #acknowledged: Sequence;
  #next: Sequence;
  #highest: Sequence;
  #window = 0;
  /** Set when the host has sent everything. */
  isEnding = false;
  #isEndAcknowledged = false;
  #attempts = 0;
  /** When it is sent again, in milliseconds of the clock. */
  timeoutAt = Number.POSITIVE_INFINITY;
  /** What was sent when something was lost: until all of it is acknowledged, nothing else counts as lost (RFC 6582). */
  #recoverUpTo: Sequence;
  /** The segment whose acknowledgement is timed. */
  #timed: { readonly end: Sequence; readonly at: number } | null = null;
  #isProbeDue = false;
  #isRetransmitDue = false;

  /** @param first the number of its first byte; @param shift of the windows of the guest */
  constructor(first: Sequence, mss: number, shift: number) {
    this.#acknowledged = first;
    this.#next = first;
    this.#highest = first;
    this.#recoverUpTo = first;
    this.#mss = mss;
    this.#shift = shift;
    this.#congestion = new Congestion(mss);
  }

  get next(): Sequence {
    return this.#next;
  }

  /** Everything that the host has sent was acknowledged, and that it was everything. */
  get isFinished(): boolean {
    return this.#isEndAcknowledged;
  }

  get isGivenUp(): boolean {
    return this.#attempts > maxAttempts;
  }

  /** Whether a segment acknowledges what was never sent. */
  isAhead(acknowledged: Sequence): boolean {
    return distance(this.#highest, acknowledged) > 0;
  }

  /** Whether it acknowledges less than others before. */
  isOld(acknowledged: Sequence): boolean {
    return distance(this.#acknowledged, acknowledged) < 0;
  }

  /** Takes what a segment says about what the guest has got. */
  receive(segment: Segment, now: number): void {
    const bytes = distance(this.#acknowledged, segment.acknowledged);
    if (bytes < 0) return;
    const window = segment.window << this.#shift;
    if (bytes > 0) this.#progress(segment.acknowledged, bytes, now);
    else if (window === this.#window && segment.length === 0 && !segment.has(tcpFlags.fin)) this.#duplicate();
    this.#window = window;
    if (this.#inFlight > 0 || this.#isBlocked) {
      if (bytes > 0 || this.timeoutAt === Number.POSITIVE_INFINITY) this.#arm(now);
    } else this.timeoutAt = Number.POSITIVE_INFINITY;
  }

  /** The next piece to send now; undefined if there is none that the guest takes. */
  take(now: number): Piece | undefined {
    if (this.#isRetransmitDue) return this.#retransmit(now);
    if (this.#isProbeDue) return this.#probe();
    const offset = distance(this.#acknowledged, this.#next);
    const waiting = this.buffer.length - offset;
    const room = Math.min(this.#window, this.#congestion.window) - offset;
    const length = Math.min(this.#mss, waiting, room);
    if (length > 0) {
      // A small piece is sent only if it is the last one, or if nothing is on the way that would make room for more.
      if (length < this.#mss && length < waiting && offset > 0) return undefined;
      return this.#send(offset, length, now);
    }
    if (waiting === 0 && this.isEnding && !this.#isEndAcknowledged) return this.#send(offset, 0, now);
    if (this.#isBlocked && this.timeoutAt === Number.POSITIVE_INFINITY) this.#arm(now);
    return undefined;
  }

  /** The time has come at which something is sent again. */
  expire(now: number): void {
    this.#roundTrip.expired();
    this.#timed = null;
    if (this.#isBlocked) {
      // A guest that has no room for hours is alive as long as it answers.
      this.#isProbeDue = true;
    } else {
      this.#attempts += 1;
      this.#congestion.expired(this.#inFlight);
      this.#recoverUpTo = this.#highest;
      this.#next = this.#acknowledged;
    }
    this.#arm(now);
  }

  get #inFlight(): number {
    return distance(this.#acknowledged, this.#highest);
  }

  /** Whether the guest has no room for what waits, so that it is asked now and then. */
  get #isBlocked(): boolean {
    return this.#window === 0 && this.buffer.length > 0 && this.#next === this.#acknowledged;
  }

  #progress(acknowledged: Sequence, bytes: number, now: number): void {
    const data = Math.min(bytes, this.buffer.length);
    if (bytes > data) this.#isEndAcknowledged = true;
    this.buffer.drop(data);
    this.#acknowledged = acknowledged;
    if (distance(this.#next, acknowledged) > 0) this.#next = acknowledged;
    this.#attempts = 0;
    this.#roundTrip.progressed();
    if (this.#timed && distance(this.#timed.end, acknowledged) >= 0) {
      this.#roundTrip.measured(now - this.#timed.at);
      this.#timed = null;
    }
    const congestion = this.#congestion;
    congestion.progressed(bytes);
    const isPartial = distance(this.#recoverUpTo, acknowledged) < 0;
    if (!isPartial) this.#recoverUpTo = acknowledged;
    if (!congestion.isRecovering) return;
    if (isPartial) congestion.partial(bytes);
    else congestion.recovered();
    this.#isRetransmitDue = isPartial;
  }

  #duplicate(): void {
    const isCounted = this.#congestion.isRecovering || distance(this.#recoverUpTo, this.#acknowledged) >= 0;
    if (this.#inFlight === 0 || !isCounted || !this.#congestion.duplicate(this.#inFlight)) return;
    this.#recoverUpTo = this.#highest;
    this.#isRetransmitDue = true;
  }

  #retransmit(now: number): Piece {
    this.#isRetransmitDue = false;
    this.#timed = null;
    const { next } = this;
    this.#next = this.#acknowledged;
    const piece = this.#send(0, Math.min(this.#mss, this.buffer.length), now);
    if (distance(this.#next, next) > 0) this.#next = next;
    return piece;
  }

  /** A segment before the window, which the guest answers (as RFC 9293, 3.8.6.1 has it, but without a byte of the data). */
  #probe(): Piece {
    this.#isProbeDue = false;
    return { sequence: advance(this.#acknowledged, -1), offset: 0, length: 0, flags: 0 };
  }

  #send(offset: number, length: number, now: number): Piece {
    const sequence = this.#next;
    const isLast = offset + length === this.buffer.length;
    const fin = isLast && this.isEnding ? tcpFlags.fin : 0;
    this.#next = advance(sequence, length + (fin === 0 ? 0 : 1));
    if (distance(this.#highest, this.#next) > 0) {
      this.#highest = this.#next;
      this.#timed ??= { end: this.#next, at: now };
    }
    if (this.timeoutAt === Number.POSITIVE_INFINITY) this.#arm(now);
    return { sequence, offset, length, flags: fin | (isLast && length > 0 ? tcpFlags.psh : 0) };
  }

  #arm(now: number): void {
    this.timeoutAt = now + this.#roundTrip.timeout;
  }
}
