import { randomBytes } from 'node:crypto';
import { KameError } from '../../core/errors.ts';
import { ByteQueue } from '../../sys/byte-queue.ts';

/** The frames of docs/tools-protocol.md, as guest/tools/wire has them. */

/** The types of frames. */
export const frameTypes = {
  hello: 1,
  requestPart: 2,
  request: 3,
  started: 4,
  data: 5,
  credit: 6,
  end: 7,
  signal: 8,
  resize: 9,
  close: 10,
  done: 11,
  failed: 12,
} as const;
export type FrameType = (typeof frameTypes)[keyof typeof frameTypes];

/** The channels of a stream. */
export const channels = { stdin: 0, stdout: 1, stderr: 2 } as const;

const headerBytes = 9;
const tagBytes = 4;
const maxFrameBytes = 32 * 1024;
/** The largest payload of a frame, in bytes. */
export const maxPayload = maxFrameBytes - headerBytes - tagBytes;
/** Bytes of a channel that may be on the way before the receiver grants more. */
export const windowBytes = 256 * 1024;
/** The largest request in all its parts, in bytes. */
export const maxRequestBytes = 2 * 1024 * 1024;

const magic = Buffer.from('\u00ffKAME-TOOLS\r\n\u001a\n\u00ff', 'latin1');
const nonceBytes = 16;
const preambleBytes = magic.length + nonceBytes;

export interface Frame {
  readonly type: FrameType;
  readonly stream: number;
  readonly payload: Buffer;
}

/** A number that names a connection. Its first bytes end each frame, and are not those of the zeros before a preamble. */
export function newNonce(): Buffer {
  const nonce = randomBytes(nonceBytes);
  nonce[0] = (nonce[0] ?? 0) | 1;
  return nonce;
}

/** What begins a connection. The zeros complete a frame that an earlier connection may have left unfinished. */
export function preamble(nonce: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(maxFrameBytes), magic, nonce]);
}

/** @param payload at most `maxPayload` bytes */
export function encodeFrame(nonce: Buffer, type: FrameType, stream: number, payload: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(headerBytes + payload.length + tagBytes);
  frame.writeUInt32BE(payload.length, 0);
  frame.writeUInt8(type, 4);
  frame.writeUInt32BE(stream, 5);
  payload.copy(frame, headerBytes);
  nonce.copy(frame, headerBytes + payload.length, 0, tagBytes);
  return frame;
}

/** The error for a guest that does not keep to the protocol. */
export function violation(what: string): KameError {
  return new KameError('GUEST_FAILED', `kame-tools in the guest does not keep to its protocol: ${what}.`, {
    next: 'Restart the service kame-tools in the guest, or the machine.',
  });
}

function typeOf(number: number): FrameType {
  const type = Object.values(frameTypes).find((one) => one === number);
  if (type === undefined) throw violation(`it sent a frame of the unknown type ${number}`);
  return type;
}

/** Finds the frames of one connection in what the guest sends. What comes before its preamble is of an earlier one. */
export class FrameReader {
  readonly #start: Buffer;
  readonly #tag: Buffer;
  readonly #bytes = new ByteQueue();
  /** Bytes that must be there before it is worth looking. */
  #needed = preambleBytes;
  #found = false;

  constructor(nonce: Buffer) {
    this.#start = Buffer.concat([magic, nonce]);
    this.#tag = nonce.subarray(0, tagBytes);
  }

  /** @throws KameError GUEST_FAILED when the guest sends what is no frame */
  push(chunk: Buffer): Frame[] {
    this.#bytes.push(chunk);
    const frames: Frame[] = [];
    if (this.#bytes.length < this.#needed) return frames;
    let rest = this.#bytes.take();
    if (!this.#found) rest = this.#afterPreamble(rest);
    while (this.#found) {
      const frame = this.#first(rest);
      if (!frame) break;
      frames.push(frame);
      rest = rest.subarray(headerBytes + frame.payload.length + tagBytes);
    }
    this.#bytes.push(rest);
    return frames;
  }

  #afterPreamble(bytes: Buffer): Buffer {
    const at = bytes.indexOf(this.#start);
    if (at < 0) return bytes.subarray(Math.max(0, bytes.length - preambleBytes + 1));
    this.#found = true;
    return bytes.subarray(at + preambleBytes);
  }

  #first(bytes: Buffer): Frame | undefined {
    this.#needed = headerBytes;
    if (bytes.length < headerBytes) return undefined;
    const length = bytes.readUInt32BE(0);
    if (length > maxPayload) throw violation(`it sent a frame of ${length} bytes`);
    const type = typeOf(bytes.readUInt8(4));
    const end = headerBytes + length;
    this.#needed = end + tagBytes;
    if (bytes.length < this.#needed) return undefined;
    if (!bytes.subarray(end, end + tagBytes).equals(this.#tag))
      throw violation('a frame does not end as it should');
    return { type, stream: bytes.readUInt32BE(5), payload: bytes.subarray(headerBytes, end) };
  }
}
