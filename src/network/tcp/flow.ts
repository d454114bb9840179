import { firstWindow, ownShift, Receiver } from './receiver.ts';
import { tcpFlags, type Segment } from './segment.ts';
import type { OutgoingSegment } from './segment-writer.ts';
import { Sender, type Piece } from './sender.ts';
import { advance, type Sequence } from './sequence.ts';

const { syn, rst, ack } = tcpFlags;
const none = Buffer.alloc(0);
/** RFC 9293, 3.7.1: what is assumed without the option, and the least that is believed. */
const [usualMss, leastMss] = [536, 64];
/** Segments that do not fit the connection, one after the other, after which the guest is reset. */
const maxStrange = 3;
const synAckAttempts = 5;
const synAckMs = 1000;
/** Milliseconds without a segment of the guest (RFC 5382): while it opens or closes, and otherwise. */
const [transitoryMs, establishedMs] = [240_000, 7_440_000];
/** Milliseconds for which an ended connection is remembered: the last segment of the guest may come again. */
const endedMs = 1000;

export type FlowState = 'connecting' | 'answered' | 'open' | 'ended' | 'reset';

/**
 * One TCP connection of a guest with the host's side of it: what arrives, and what is to be sent (RFC 9293). It does nothing by
 * itself: it is told of segments, of the host and of the time, and then asked what there is for either side.
 */
export class Flow {
  state: FlowState = 'connecting';
  readonly receiver: Receiver;
  readonly sender: Sender;
  readonly #first: Sequence;
  readonly #own: Sequence;
  readonly #synOptions: Buffer;
  #heardAt: number;
  #isAckDue = false;
  #isSynDue = false;
  /** The number of the reset that is due: what the guest expects next, or it would ignore it (RFC 5961, 3.2). */
  #resetAt: Sequence | null = null;
  #synAttempts = 0;
  #synAt = Number.POSITIVE_INFINITY;
  #strange = 0;
  #isEndTold = false;

  /**
   * @param opening the SYN of the guest
   * @param own the number of the SYN that answers it
   * @param mss bytes of the largest segment that the link takes
   */
  constructor(opening: Segment, own: Sequence, mss: number, now: number) {
    const { windowScale } = opening;
    const isScaled = windowScale !== null;
    this.#first = opening.sequence;
    this.#own = own;
    this.#synOptions = Buffer.from([2, 4, mss >>> 8, mss & 255, ...(isScaled ? [1, 3, 3, ownShift] : [])]);
    this.receiver = new Receiver(advance(opening.sequence, 1), isScaled);
    const largest = Math.min(mss, Math.max(opening.mss ?? usualMss, leastMss));
    this.sender = new Sender(advance(own, 1), largest, windowScale ?? 0);
    this.#heardAt = now;
  }

  /** The host is connected. */
  connected(): void {
    if (this.state !== 'connecting') return;
    this.state = 'answered';
    this.#isSynDue = true;
  }

  /** The connection ends with a reset of the guest. */
  reset(at: Sequence = this.sender.next): void {
    if (this.isOver) return;
    this.state = 'reset';
    this.#resetAt = at;
  }

  /** Nothing more is to be done but to send what is left. */
  get isOver(): boolean {
    return this.state === 'ended' || this.state === 'reset';
  }

  /** Whether the guest has not answered yet that it is connected. */
  get isOpening(): boolean {
    return this.state === 'connecting' || this.state === 'answered';
  }

  /** Whether a SYN opens another connection between the same ports, of which this one was forgotten. */
  isReopenedBy(segment: Segment): boolean {
    return (segment.flags & (syn | ack | rst)) === syn && segment.sequence !== this.#first;
  }

  /** A segment of the guest. Its bytes are for the host: `receiver.take`. */
  segment(segment: Segment, now: number): void {
    if (this.state === 'reset') return;
    this.#heardAt = now;
    if (segment.has(rst)) {
      if (this.receiver.ahead(segment.sequence) >= 0) this.state = 'reset';
      return;
    }
    if (segment.has(syn)) this.#again();
    else if (segment.has(ack) && this.#isExpected(segment)) this.#accept(segment, now);
  }

  /** Whether the guest has said that it sends no more, since the last call. */
  takeEnd(): boolean {
    if (this.#isEndTold || !this.receiver.isFinished) return false;
    this.#isEndTold = true;
    return true;
  }

  /** When `expire` is to be called. */
  get timeoutAt(): number {
    return this.state === 'answered' ? this.#synAt : this.sender.timeoutAt;
  }

  expire(now: number): void {
    if (this.timeoutAt > now || this.isOver) return;
    if (this.state === 'answered') this.#isSynDue = true;
    else this.sender.expire(now);
    if (this.#synAttempts > synAckAttempts || this.sender.isGivenUp) this.reset();
  }

  /** Whether it has ended, or nothing was heard for so long that it counts as such. */
  isForgotten(now: number): boolean {
    const quiet = now - this.#heardAt;
    if (this.state === 'ended') return quiet > endedMs;
    const isWhole = this.state === 'open' && !(this.receiver.isFinished && this.sender.isEnding);
    return quiet > (isWhole ? establishedMs : transitoryMs);
  }

  /** The next segment for the guest. @param room bytes that may come from it */
  take(room: number, now: number): OutgoingSegment | undefined {
    if (this.#isSynDue) return this.#synAck(now);
    if (this.#resetAt !== null) return this.#reset(this.#resetAt);
    if (this.state !== 'open' && this.state !== 'ended') return undefined;
    const piece = this.sender.take(now) ?? this.#acknowledgement(room);
    return piece && this.#outgoing(piece, this.receiver.window(room));
  }

  #again(): void {
    if (this.state === 'answered') this.#isSynDue = true;
    else if (this.state !== 'connecting') this.#isAckDue = true;
  }

  /**
   * Whether a segment acknowledges what can be. One that does not is of a guest that was set back to an earlier time, or that has
   * come out of order: it is told where the connection is, and reset if it goes on like this.
   */
  #isExpected({ acknowledged, sequence }: Segment): boolean {
    const isBack = this.sender.isOld(acknowledged) && this.receiver.ahead(sequence) < 0;
    if (!isBack && !this.sender.isAhead(acknowledged)) {
      this.#strange = 0;
      return true;
    }
    this.#strange += 1;
    this.#isAckDue = true;
    if (this.sender.isAhead(acknowledged) || this.#strange >= maxStrange) this.reset(acknowledged);
    return false;
  }

  #accept(segment: Segment, now: number): void {
    if (this.state === 'connecting' || (this.state === 'answered' && this.sender.isOld(segment.acknowledged)))
      return;
    if (this.state === 'answered') this.state = 'open';
    if (this.receiver.receive(segment)) this.#isAckDue = true;
    this.sender.receive(segment, now);
    if (this.state === 'open' && this.receiver.isFinished && this.sender.isFinished) this.state = 'ended';
  }

  #synAck(now: number): OutgoingSegment {
    this.#isSynDue = false;
    this.#synAt = now + synAckMs * 2 ** this.#synAttempts;
    this.#synAttempts += 1;
    const piece = { sequence: this.#own, offset: 0, length: 0, flags: syn };
    return { ...this.#outgoing(piece, firstWindow), options: this.#synOptions };
  }

  #reset(sequence: Sequence): OutgoingSegment {
    this.#resetAt = null;
    return this.#outgoing({ sequence, offset: 0, length: 0, flags: rst }, 0);
  }

  #acknowledgement(room: number): Piece | undefined {
    if (!this.#isAckDue && !this.receiver.hasRoomAgain(room)) return undefined;
    return { sequence: this.sender.next, offset: 0, length: 0, flags: 0 };
  }

  #outgoing(piece: Piece, window: number): OutgoingSegment {
    this.#isAckDue = false;
    const { sequence, offset, length } = piece;
    const acknowledged = this.receiver.next;
    return { sequence, offset, length, flags: piece.flags | ack, acknowledged, window, options: none };
  }
}
