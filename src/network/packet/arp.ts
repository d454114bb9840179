import { u16, u32, u8 } from './bytes.ts';
import type { Ipv4 } from './ipv4-address.ts';
import { macAt, writeMac, type Mac } from './mac.ts';
import { etherHeader, etherTypes, type Packet } from './packet.ts';

/** ARP for IPv4 on Ethernet, RFC 826. */
export interface Arp {
  readonly operation: 'request' | 'reply';
  readonly senderMac: Mac;
  readonly sender: Ipv4;
  readonly target: Ipv4;
}

const arpLength = 28;
/** The shortest frame of Ethernet, without its checksum. */
const shortestFrame = 60;

/** @returns undefined if it is malformed, or not of IPv4 on Ethernet */
export function readArp({ buffer, network, end }: Packet): Arp | undefined {
  const isKnown =
    network + arpLength <= end &&
    u16(buffer, network) === 1 &&
    u16(buffer, network + 2) === etherTypes.ipv4 &&
    u8(buffer, network + 4) === 6 &&
    u8(buffer, network + 5) === 4;
  const operation = u16(buffer, network + 6);
  if (!isKnown || operation < 1 || operation > 2) return undefined;
  return {
    operation: operation === 1 ? 'request' : 'reply',
    senderMac: macAt(buffer, network + 8),
    sender: u32(buffer, network + 14),
    target: u32(buffer, network + 24),
  };
}

/** The frame that tells `to` that `address` is at `mac`. */
export function arpReply(mac: Mac, address: Ipv4, to: { readonly mac: Mac; readonly address: Ipv4 }): Buffer {
  const frame = Buffer.alloc(shortestFrame);
  writeMac(frame, 0, to.mac);
  writeMac(frame, 6, mac);
  frame.writeUInt16BE(etherTypes.arp, 12);
  frame.writeUInt16BE(1, etherHeader);
  frame.writeUInt16BE(etherTypes.ipv4, etherHeader + 2);
  frame.writeUInt16BE(0x0604, etherHeader + 4);
  frame.writeUInt16BE(2, etherHeader + 6);
  writeMac(frame, etherHeader + 8, mac);
  frame.writeUInt32BE(address, etherHeader + 14);
  writeMac(frame, etherHeader + 18, to.mac);
  frame.writeUInt32BE(to.address, etherHeader + 24);
  return frame;
}
