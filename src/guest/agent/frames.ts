import { ByteQueue } from '../../sys/byte-queue.ts';

/** One item in the byte stream of the guest agent. */
export type AgentFrame =
  | { readonly kind: 'sentinel' }
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'overflow' };

const newline = 0x0a;
/** Never part of UTF-8, so it marks a new start: everything before it is discarded. */
const sentinel = 0xff;

/**
 * Splits a byte stream into lines and sentinels, buffering at most `maxLineBytes` of an unfinished line. A longer line
 * is reported once as an overflow and skipped to its end, so a guest that never ends its line does not use up memory.
 */
export class AgentFrames {
  /** Of the line that is being received, and of those to come. */
  maxLineBytes: number;
  readonly #line = new ByteQueue();
  #skipping = false;

  constructor(maxLineBytes: number) {
    this.maxLineBytes = maxLineBytes;
  }

  push(chunk: Buffer): AgentFrame[] {
    const frames: AgentFrame[] = [];
    let start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (byte !== newline && byte !== sentinel) continue;
      this.#append(chunk.subarray(start, at), frames);
      if (byte === newline) this.#endLine(frames);
      else frames.push({ kind: 'sentinel' });
      this.#clear();
      start = at + 1;
    }
    this.#append(chunk.subarray(start), frames);
    return frames;
  }

  #append(part: Buffer, frames: AgentFrame[]): void {
    if (part.length === 0 || this.#skipping) return;
    if (this.#line.length + part.length > this.maxLineBytes) {
      this.#line.clear();
      this.#skipping = true;
      frames.push({ kind: 'overflow' });
      return;
    }
    this.#line.push(part);
  }

  #endLine(frames: AgentFrame[]): void {
    if (this.#skipping || this.#line.length === 0) return;
    const text = this.#line.take().toString('utf8').trim();
    if (text !== '') frames.push({ kind: 'line', text });
  }

  #clear(): void {
    this.#line.clear();
    this.#skipping = false;
  }
}
