import { deferred } from '../../core/deferred.ts';
import { frameBytes, soundFormat } from '../../qemu/rfb/sound.ts';

/** A part of a recording: whole frames of sound, or so many frames of silence. */
export type SoundPart = { readonly sound: Buffer } | { readonly silence: number };

/** The most bytes that wait for a slow client: 24 seconds. The engine, which sends them, must not wait. */
const maxWaitingBytes = 4 * 1024 * 1024;
/** What the guest plays comes in pieces, so that it is always a little late. Less than this is no silence: 100 ms. */
const slackFrames = soundFormat.rate / 10;

/** How many frames are played in so many milliseconds. */
export function framesIn(ms: number): number {
  return Math.floor((ms * soundFormat.rate) / 1000);
}

/**
 * The recording between an engine, which never waits, and a client, which may be slow. An engine sends nothing while its guest
 * is silent: the silence is put in, so that everything is where it was heard.
 */
export class SoundTrack {
  readonly #maxFrames: number;
  readonly #maxWaiting: number;
  #parts: SoundPart[] = [];
  #waitingBytes = 0;
  #frames = 0;
  #silent = 0;
  #dropped = 0;
  #ended = false;
  #wake = deferred();

  /** @param maxFrames how long it may become */
  constructor(maxFrames: number, waiting = maxWaitingBytes) {
    this.#maxFrames = maxFrames;
    this.#maxWaiting = waiting;
  }

  /** Its length so far. */
  get frames(): number {
    return this.#frames;
  }

  /** Frames of silence in it, without those that were dropped. */
  get silent(): number {
    return this.#silent;
  }

  /** Frames that were replaced by silence because the client was too slow. */
  get dropped(): number {
    return this.#dropped;
  }

  get isFull(): boolean {
    return this.#frames >= this.#maxFrames;
  }

  /** The guest begins to play. @param atMs milliseconds since the start of the recording */
  begin(atMs: number): void {
    const missing = framesIn(atMs) - this.#frames;
    if (missing > slackFrames) this.#addSilence(missing);
  }

  /** What the guest plays, in whole frames. What exceeds the length is left out. */
  add(data: Buffer): void {
    const sound = data.subarray(0, (this.#maxFrames - this.#frames) * frameBytes);
    const frames = sound.length / frameBytes;
    if (frames === 0) return;
    if (this.#waitingBytes + sound.length > this.#maxWaiting) {
      this.#dropped += frames;
      this.#push({ silence: frames }, frames);
    } else {
      this.#waitingBytes += sound.length;
      this.#push({ sound }, frames);
    }
  }

  /** Nothing more comes; the rest until now was silent. @param atMs milliseconds since the start of the recording */
  end(atMs: number): void {
    this.#addSilence(framesIn(atMs) - this.#frames);
    this.#ended = true;
    this.#wake.resolve();
  }

  /** All parts that wait, as soon as there are some; none at the end. */
  async take(): Promise<readonly SoundPart[]> {
    while (this.#parts.length === 0 && !this.#ended) {
      this.#wake = deferred();
      await this.#wake.promise;
    }
    const parts = this.#parts;
    this.#parts = [];
    this.#waitingBytes = 0;
    return parts;
  }

  #addSilence(missing: number): void {
    const silence = Math.min(missing, this.#maxFrames - this.#frames);
    if (silence <= 0) return;
    this.#silent += silence;
    this.#push({ silence }, silence);
  }

  #push(part: SoundPart, frames: number): void {
    this.#frames += frames;
    const last = this.#parts.at(-1);
    if (last && 'silence' in last && 'silence' in part)
      this.#parts[this.#parts.length - 1] = { silence: last.silence + part.silence };
    else this.#parts.push(part);
    this.#wake.resolve();
  }
}
