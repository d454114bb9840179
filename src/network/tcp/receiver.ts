import { Reassembly } from './reassembly.ts';
import { tcpFlags, type Segment } from './segment.ts';
import { advance, distance, type Sequence } from './sequence.ts';

/** By what the windows that a guest is told are divided, as a power of two: enough for windows of 2 MiB. */
export const ownShift = 5;
/** The largest number in a header: the window that comes with SYN, which is not scaled. */
export const firstWindow = 0xffff;

/** What a guest has sent of a connection. */
export class Receiver {
  /** RCV.NXT. */
  #next: Sequence;
  /** Up to where the guest was told that it may send. It never goes back. */
  #edge: Sequence;
  readonly #shift: number;
  readonly #early = new Reassembly();
  /** Where its last byte ends, once it has said so. */
  #end: Sequence | null = null;
  #isFinished = false;
  /** Since the last call of `take`; their memory is the guest's. */
  #received: Buffer[] = [];

  /** @param first the number of its first byte; @param isScaled whether it takes windows that are scaled */
  constructor(first: Sequence, isScaled: boolean) {
    this.#next = first;
    this.#edge = advance(first, firstWindow);
    this.#shift = isScaled ? ownShift : 0;
  }

  get next(): Sequence {
    return this.#next;
  }

  /** The guest has sent everything. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** How far a segment is ahead of what is expected; negative if it begins before. */
  ahead(sequence: Sequence): number {
    return distance(this.#next, sequence);
  }

  /** Takes the bytes of a segment that were not there yet. @returns whether it has anything that must be acknowledged */
  receive(segment: Segment): boolean {
    const { sequence, dataStart, length } = segment;
    const hasEnd = segment.has(tcpFlags.fin);
    if (length === 0 && !hasEnd) return this.ahead(sequence) !== 0;
    if (this.#isFinished) return true;
    const known = Math.max(0, -this.ahead(sequence));
    const fitting = Math.min(length, distance(sequence, this.#edge));
    if (hasEnd && fitting === length) this.#end ??= advance(sequence, length);
    if (fitting > known || (fitting === known && this.ahead(sequence) <= 0))
      this.#take(advance(sequence, known), segment.buffer.subarray(dataStart + known, dataStart + fitting));
    return true;
  }

  /** The bytes that the host may have now. */
  take(): Buffer[] {
    const received = this.#received;
    if (received.length > 0) this.#received = [];
    return received;
  }

  /** The window of the next segment, as it stands in the header. @param room bytes that may come */
  window(room: number): number {
    const bytes = Math.min(Math.max(0, room), firstWindow << this.#shift);
    const edge = advance(this.#next, (bytes >>> this.#shift) << this.#shift);
    if (distance(this.#edge, edge) > 0) this.#edge = edge;
    return Math.min(distance(this.#next, this.#edge) >>> this.#shift, firstWindow);
  }

  /** Whether the guest should be told that there is much more room than it knows. */
  hasRoomAgain(room: number): boolean {
    return distance(this.#next, this.#edge) < Math.min(room, firstWindow << this.#shift) / 2;
  }

  #take(start: Sequence, data: Buffer): void {
    if (this.ahead(start) > 0) {
      this.#early.add(start, data);
      return;
    }
    this.#append(data);
    for (let more = this.#early.take(this.#next); more; more = this.#early.take(this.#next))
      this.#append(more);
    if (this.#end === null || this.#isFinished || this.#next !== this.#end) return;
    this.#next = advance(this.#next, 1);
    this.#isFinished = true;
  }

  #append(data: Buffer): void {
    if (data.length === 0) return;
    this.#received.push(data);
    this.#next = advance(this.#next, data.length);
  }
}
