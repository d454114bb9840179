import { checksumOf, wordSum } from './checksum.ts';
import type { Ipv4 } from './ipv4-address.ts';
import { ipv6Length, type Ipv6 } from './ipv6-address.ts';
import { writeMac, type Mac } from './mac.ts';
import { etherHeader, etherTypes, protocols } from './packet.ts';

/** Where a packet comes from or goes to. */
export interface Endpoint<Address> {
  readonly mac: Mac;
  readonly address: Address;
  readonly port: number;
}

const ipv4Header = 20;
const ipv6Header = 40;
const udpHeader = 8;
const hops = 64;

function writeEther(frame: Buffer, from: Mac, to: Mac, type: number): void {
  writeMac(frame, 0, to);
  writeMac(frame, 6, from);
  frame.writeUInt16BE(type, 12);
}

/** Writes the IPv4 header of a frame that has its payload already. */
function writeIpv4(frame: Buffer, from: Ipv4, to: Ipv4, protocol: number): void {
  const at = etherHeader;
  frame.writeUInt16BE(0x4500, at);
  frame.writeUInt16BE(frame.length - at, at + 2);
  frame.writeUInt8(hops, at + 8);
  frame.writeUInt8(protocol, at + 9);
  frame.writeUInt32BE(from, at + 12);
  frame.writeUInt32BE(to, at + 16);
  frame.writeUInt16BE(checksumOf(wordSum(frame, at, at + ipv4Header)), at + 10);
}

/** Writes the UDP header; `addresses` is where the addresses of the IP header begin. */
function writeUdp(frame: Buffer, at: number, ports: readonly [number, number], addresses: number): void {
  const length = frame.length - at;
  frame.writeUInt16BE(ports[0], at);
  frame.writeUInt16BE(ports[1], at + 2);
  frame.writeUInt16BE(length, at + 4);
  const sum = wordSum(frame, addresses, frame.length) + protocols.udp + length;
  // Zero stands for "no checksum".
  frame.writeUInt16BE(checksumOf(sum) || 0xffff, at + 6);
}

/** A frame with a UDP datagram over IPv4. */
export function udp4(from: Endpoint<Ipv4>, to: Endpoint<Ipv4>, data: Uint8Array): Buffer {
  const udp = etherHeader + ipv4Header;
  const frame = Buffer.alloc(udp + udpHeader + data.length);
  frame.set(data, udp + udpHeader);
  writeEther(frame, from.mac, to.mac, etherTypes.ipv4);
  writeIpv4(frame, from.address, to.address, protocols.udp);
  writeUdp(frame, udp, [from.port, to.port], etherHeader + 12);
  return frame;
}

/** A frame with a UDP datagram over IPv6. */
export function udp6(from: Endpoint<Ipv6>, to: Endpoint<Ipv6>, data: Uint8Array): Buffer {
  const udp = etherHeader + ipv6Header;
  const frame = Buffer.alloc(udp + udpHeader + data.length);
  frame.set(data, udp + udpHeader);
  writeEther(frame, from.mac, to.mac, etherTypes.ipv6);
  const at = etherHeader;
  frame.writeUInt8(0x60, at);
  frame.writeUInt16BE(udpHeader + data.length, at + 4);
  frame.writeUInt8(protocols.udp, at + 6);
  frame.writeUInt8(hops, at + 7);
  frame.set(from.address, at + 8);
  frame.set(to.address, at + 8 + ipv6Length);
  writeUdp(frame, udp, [from.port, to.port], at + 8);
  return frame;
}

/** The answer to an ICMP echo request: the same data from the address that was asked. `icmp` begins at the ICMP header. */
export function echoReply(
  from: Omit<Endpoint<Ipv4>, 'port'>,
  to: Omit<Endpoint<Ipv4>, 'port'>,
  icmp: Uint8Array,
): Buffer {
  const at = etherHeader + ipv4Header;
  const frame = Buffer.alloc(at + icmp.length);
  frame.set(icmp, at);
  writeEther(frame, from.mac, to.mac, etherTypes.ipv4);
  writeIpv4(frame, from.address, to.address, protocols.icmp);
  frame.writeUInt32BE(0, at);
  frame.writeUInt16BE(checksumOf(wordSum(frame, at, frame.length)), at + 2);
  return frame;
}
