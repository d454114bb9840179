import type { DirectionShape } from '../model/link-shape.ts';
import type { Timetable } from './timetable.ts';

/** Milliseconds of traffic that may pass at once after a pause: timers are no finer than one. */
const burstMs = 5;
/** Bytes that may wait because of the limit, as in the queue of a real link. */
const maxBacklog = 256 * 1024;
/** All that may wait in one direction, the frames that are only delayed included. */
const maxBytes = 16 * 1024 * 1024;
const maxFrames = 16_384;

/** Whether a direction is changed at all. */
export function isShaped({ bitsPerSecond, lossPerMille, latencyMs }: DirectionShape): boolean {
  return bitsPerSecond !== null || lossPerMille > 0 || latencyMs > 0;
}

export interface ShaperTools {
  readonly timetable: Timetable;
  /** The clock of the timetable. */
  readonly now: () => number;
  /** 0 up to 1. */
  readonly random: () => number;
}

/** Limits, loses and delays the frames of one direction of a link. */
export class Shaper {
  readonly #shape: DirectionShape;
  readonly #tools: ShaperTools;
  /** When the link is free again, if it has a limit. */
  #freeAt = Number.NEGATIVE_INFINITY;
  #bytes = 0;
  #frames = 0;
  #isClosed = false;

  constructor(shape: DirectionShape, tools: ShaperTools) {
    this.#shape = shape;
    this.#tools = tools;
  }

  /**
   * Lets a frame pass, at once or later.
   * @returns false if it is lost
   */
  pass(bytes: number, deliver: () => void): boolean {
    const { lossPerMille, latencyMs } = this.#shape;
    if (lossPerMille > 0 && this.#tools.random() * 1000 < lossPerMille) return false;
    const now = this.#tools.now();
    const departure = this.#departure(bytes, now);
    if (departure === undefined || this.#frames >= maxFrames || this.#bytes + bytes > maxBytes) return false;
    const at = departure + latencyMs;
    if (at <= now && this.#frames === 0) {
      deliver();
      return true;
    }
    this.#bytes += bytes;
    this.#frames += 1;
    this.#tools.timetable.add(at, () => {
      this.#bytes -= bytes;
      this.#frames -= 1;
      if (!this.#isClosed) deliver();
    });
    return true;
  }

  /** The frames that still wait are lost: the port is gone. */
  close(): void {
    this.#isClosed = true;
  }

  /** When the link has sent the frame's predecessors; undefined if too many wait. */
  #departure(bytes: number, now: number): number | undefined {
    const { bitsPerSecond } = this.#shape;
    if (bitsPerSecond === null) return now;
    const bytesPerMs = bitsPerSecond / 8000;
    const free = Math.max(this.#freeAt, now - burstMs);
    if ((free - now) * bytesPerMs > maxBacklog) return undefined;
    this.#freeAt = free + bytes / bytesPerMs;
    return Math.max(free, now);
  }
}
