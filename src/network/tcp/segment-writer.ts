import { lengthBytes } from '../packet/frame-decoder.ts';
import { writeMac } from '../packet/mac.ts';
import { etherHeader, etherTypes, protocols, type Packet } from '../packet/packet.ts';
import type { FrameBlock } from './frame-block.ts';
import { tcpHeader } from './segment.ts';
import type { SendBuffer } from './send-buffer.ts';
import type { Sequence } from './sequence.ts';

const network = lengthBytes + etherHeader;
const [hops, dontFragment] = [64, 0x4000];

/** A segment for a guest. */
export interface OutgoingSegment {
  readonly flags: number;
  readonly sequence: Sequence;
  readonly acknowledged: Sequence;
  /** As it stands in the header. */
  readonly window: number;
  readonly options: Buffer;
  /** The bytes of the send buffer that it has. */
  readonly offset: number;
  readonly length: number;
}

/** The complement of the sum of words, in the order of the memory (RFC 1071, 2 B: the order does not matter). */
function checksum(words: Uint16Array, start: number, end: number): number {
  let sum = 0;
  for (let at = start; at < end; at += 1) sum += words[at] as number;
  sum = (sum & 0xffff) + (sum >>> 16);
  return ~(sum + (sum >>> 16)) & 0xffff;
}

/** Writes the segments of one connection to its guest. */
export class SegmentWriter {
  /** Up to and with the TCP header; what differs is zero. */
  readonly #head: Buffer;
  readonly #isIpv4: boolean;

  /** @param opening the SYN of the guest, to which all of them answer */
  constructor(opening: Packet) {
    const { isIpv4, buffer, network: from } = opening;
    const ipHeader = isIpv4 ? 20 : 40;
    const addressBytes = isIpv4 ? 4 : 16;
    const head = Buffer.alloc(network + ipHeader + tcpHeader);
    writeMac(head, lengthBytes, opening.source);
    writeMac(head, lengthBytes + 6, opening.destination);
    head.writeUInt16BE(isIpv4 ? etherTypes.ipv4 : etherTypes.ipv6, network - 2);
    head.writeUInt8(isIpv4 ? 0x45 : 0x60, network);
    if (isIpv4) head.writeUInt16BE(dontFragment, network + 6);
    head.writeUInt8(isIpv4 ? hops : protocols.tcp, network + (isIpv4 ? 8 : 6));
    head.writeUInt8(isIpv4 ? protocols.tcp : hops, network + (isIpv4 ? 9 : 7));
    const addresses = ipHeader - 2 * addressBytes;
    buffer.copy(head, network + addresses, from + addresses + addressBytes, from + ipHeader);
    buffer.copy(head, network + addresses + addressBytes, from + addresses, from + addresses + addressBytes);
    head.writeUInt16BE(opening.destinationPort, network + ipHeader);
    head.writeUInt16BE(opening.sourcePort, network + ipHeader + 2);
    this.#head = head;
    this.#isIpv4 = isIpv4;
  }

  /** Bytes of a frame with its length in front. */
  frameBytes({ options, length }: OutgoingSegment): number {
    return this.#head.length + options.length + length;
  }

  /** Writes a frame, with its length in front, at `start` of a block. */
  write({ bytes, words }: FrameBlock, start: number, segment: OutgoingSegment, data: SendBuffer): void {
    const { options, length } = segment;
    const size = this.frameBytes(segment);
    const end = start + size;
    const dataStart = end - length;
    bytes.set(this.#head, start);
    bytes.set(options, dataStart - options.length);
    if (length > 0) data.copy(bytes, dataStart, segment.offset, length);
    // The sum takes whole words.
    if (size % 2 === 1) bytes[end] = 0;
    bytes.writeUInt32BE(size - lengthBytes, start);
    const ip = start + network;
    if (this.#isIpv4) {
      bytes.writeUInt16BE(end - ip, ip + 2);
      words[(ip + 10) / 2] = checksum(words, ip / 2, ip / 2 + 10);
    } else bytes.writeUInt16BE(end - ip - 40, ip + 4);
    const tcp = dataStart - options.length - tcpHeader;
    bytes.writeUInt32BE(segment.sequence, tcp + 4);
    bytes.writeUInt32BE(segment.acknowledged, tcp + 8);
    bytes.writeUInt8((tcpHeader + options.length) * 4, tcp + 12);
    bytes.writeUInt8(segment.flags, tcp + 13);
    bytes.writeUInt16BE(segment.window, tcp + 14);
    // The rest of the pseudo header, which the sum takes for a part of this one.
    bytes.writeUInt16BE(protocols.tcp + end - tcp, tcp + 16);
    const addresses = tcp - (this.#isIpv4 ? 8 : 32);
    words[(tcp + 16) / 2] = checksum(words, addresses / 2, (end + (size % 2)) / 2);
  }
}
