import { ByteQueue } from '../../sys/byte-queue.ts';

/**
 * The framing of spice-webdavd (phodav) and spice-gtk on the port `org.spice-space.webdav.0`: for each piece of a connection in the
 * guest its id (int64), the number of bytes (uint16), and the bytes; all little-endian. No bytes mean the end of the connection.
 */
export interface MuxFrame {
  readonly client: bigint;
  readonly data: Buffer;
}

const headerBytes = 10;
export const maxFrameBytes = 0xffff;

/** The bytes of a connection as frames, without an end. */
export function encodeFrames(client: bigint, data: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < data.length; at += maxFrameBytes)
    parts.push(...frame(client, data.subarray(at, at + maxFrameBytes)));
  return Buffer.concat(parts);
}

export function encodeEnd(client: bigint): Buffer {
  return Buffer.concat(frame(client, Buffer.alloc(0)));
}

function frame(client: bigint, data: Buffer): Buffer[] {
  const header = Buffer.alloc(headerBytes);
  header.writeBigInt64LE(client, 0);
  header.writeUInt16LE(data.length, 8);
  return [header, data];
}

/** Cuts the bytes of the port into frames. It keeps at most one that is incomplete. */
export class FrameReader {
  readonly #queue = new ByteQueue();

  *push(chunk: Buffer): Generator<MuxFrame> {
    this.#queue.push(chunk);
    let rest = this.#queue.take();
    while (rest.length >= headerBytes) {
      const end = headerBytes + rest.readUInt16LE(8);
      if (rest.length < end) break;
      yield { client: rest.readBigInt64LE(0), data: rest.subarray(headerBytes, end) };
      rest = rest.subarray(end);
    }
    this.#queue.push(rest);
  }
}
