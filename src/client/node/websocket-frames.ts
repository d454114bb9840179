import { KameError } from '../../core/errors.ts';

/** Frames of WebSockets (RFC 6455, 5.2), as a client without extensions reads and writes them. */

export const opcodes = { continuation: 0, text: 1, bytes: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Frame {
  readonly opcode: number;
  /** Whether the message ends with it. */
  readonly last: boolean;
  readonly payload: Buffer;
}

interface Head extends Omit<Frame, 'payload'> {
  readonly length: number;
}

/** The largest payload of a frame that is about the connection. */
const maxControlBytes = 125;
/** Lengths that say that the length is in the next 2 or 8 bytes. */
const inTwoBytes = 126;
const inEightBytes = 127;

function malformed(what: string): KameError {
  return new KameError('DAEMON_UNREACHABLE', `The daemon sent a malformed WebSocket frame: ${what}.`);
}

/** Finds the frames in what a connection delivers. */
export class FrameReader {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #length = 0;
  #head: Head | undefined;

  /** @param maxBytes the largest payload of a frame */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** The next frame; undefined until all of it has come. @throws KameError DAEMON_UNREACHABLE when it is malformed or too large */
  next(): Frame | undefined {
    this.#head ??= this.#readHead();
    if (!this.#head || this.#length < this.#head.length) return undefined;
    const { opcode, last, length } = this.#head;
    this.#head = undefined;
    return { opcode, last, payload: this.#take(length) };
  }

  #readHead(): Head | undefined {
    const start = this.#peek(2);
    if (!start) return undefined;
    const first = start.readUInt8(0);
    const short = start.readUInt8(1);
    // Bits of extensions, which were not agreed on; and the mask, which only a client has.
    if ((first & 0x70) !== 0 || short > inEightBytes) throw malformed('its first bytes');
    const last = (first & 0x80) !== 0;
    const opcode = first & 0x0f;
    const control = opcode >= opcodes.close;
    if (control && (!last || short > maxControlBytes)) throw malformed('a control frame that is too large');
    const size = short < inTwoBytes ? 2 : short === inTwoBytes ? 4 : 10;
    const head = this.#peek(size);
    if (!head) return undefined;
    const length = size === 2 ? short : size === 4 ? head.readUInt16BE(2) : Number(head.readBigUInt64BE(2));
    if (length > this.#maxBytes) throw malformed(`${length} bytes`);
    this.#take(size);
    return { opcode, last, length };
  }

  /** The first bytes, in one buffer; undefined while there are fewer. */
  #peek(bytes: number): Buffer | undefined {
    if (this.#length < bytes) return undefined;
    const [first] = this.#chunks;
    if (first && first.length >= bytes) return first;
    const whole = Buffer.concat(this.#chunks);
    this.#chunks = [whole];
    return whole;
  }

  #take(bytes: number): Buffer {
    const taken: Buffer[] = [];
    let missing = bytes;
    while (missing > 0) {
      const chunk = this.#chunks.shift() ?? Buffer.alloc(0);
      taken.push(chunk.subarray(0, missing));
      if (chunk.length > missing) this.#chunks.unshift(chunk.subarray(missing));
      missing -= Math.min(missing, chunk.length);
    }
    this.#length -= bytes;
    const [only] = taken;
    return only && taken.length === 1 ? only : Buffer.concat(taken);
  }
}

/**
 * What comes before the payload of a client's frame, which is a whole message. The mask is zero: it hides bytes from proxies
 * (10.3), and on a private socket there is none. A real one would cost a pass over all data.
 */
export function frameHead(opcode: number, length: number): Buffer {
  const extra = length < inTwoBytes ? 0 : length < 0x1_0000 ? 2 : 8;
  const head = Buffer.alloc(2 + extra + 4);
  head.writeUInt8(0x80 | opcode, 0);
  head.writeUInt8(0x80 | (extra === 0 ? length : extra === 2 ? inTwoBytes : inEightBytes), 1);
  if (extra === 2) head.writeUInt16BE(length, 2);
  else if (extra === 8) head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}
