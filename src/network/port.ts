import { runLength, type Outlet } from './output.ts';
import { FrameDecoder, lengthBytes } from './packet/frame-decoder.ts';
import type { DropReason } from './switch-config.ts';
import { TokenBucket } from './token-bucket.ts';

/** Broadcasts, multicasts, unknown destinations and requests to the switch that a port may send a second, and at once. */
const [floodPerSecond, floodBurst] = [2000, 4000];

/** Where frames come from. */
export interface FrameSource {
  /** Counts frames that were lost on their way. */
  drop(reason: DropReason, frames?: number): void;
}

/** Where frames come from and go to: an adapter, or the NAT process. Counts are as its adapter sees them. */
export class Port implements FrameSource {
  readonly decoder: FrameDecoder;
  readonly flood: TokenBucket;
  readonly dropped = new Map<DropReason, number>();
  receivedFrames = 0;
  receivedBytes = 0;
  sentFrames = 0;
  sentBytes = 0;
  outlet: Outlet | null = null;

  /** The run of frames that will be written: `runBuffer[runStart]` up to `runEnd`. */
  #runBuffer: Buffer | null = null;
  #runStart = 0;
  #runEnd = 0;
  #runFrames = 0;

  constructor(maxFrame: number, now: number) {
    this.decoder = new FrameDecoder(maxFrame);
    this.flood = new TokenBucket(floodPerSecond, floodBurst, now);
  }

  /** The other side is there, or gone. A frame that was not whole is lost with its connection. */
  plug(outlet: Outlet | null): void {
    this.outlet = outlet;
    this.decoder.reset();
  }

  drop(reason: DropReason, frames = 1): void {
    this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + frames);
  }

  /** Whether frames wait to be written. */
  get hasRun(): boolean {
    return this.#runBuffer !== null;
  }

  /** Adds a frame to what will be written. Frames that follow each other in one buffer are written as one piece. */
  append(buffer: Buffer, start: number, end: number, sender: FrameSource): void {
    if (this.#runBuffer !== buffer || this.#runEnd !== start) {
      this.flush(sender);
      this.#runBuffer = buffer;
      this.#runStart = start;
    }
    this.#runEnd = end;
    this.#runFrames += 1;
  }

  /** Writes the run. What is lost is counted at the sender. */
  flush(sender: FrameSource): void {
    const buffer = this.#runBuffer;
    if (!buffer) return;
    const frames = this.#runFrames;
    this.#runBuffer = null;
    this.#runFrames = 0;
    const bytes = this.#runEnd - this.#runStart;
    const isWhole = bytes === buffer.length;
    const run = isWhole ? buffer : buffer.subarray(this.#runStart, this.#runEnd);
    const lost = this.outlet ? this.outlet.write(run, frames) : frames;
    if (lost > 0) sender.drop('congestion', lost);
    if (lost === frames) return;
    this.receivedFrames += frames - lost;
    this.receivedBytes +=
      (lost === 0 ? bytes : runLength(run, frames - lost)) - (frames - lost) * lengthBytes;
  }
}
