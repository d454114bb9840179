import { checksumOf, wordSum } from '../../src/network/packet/checksum.ts';
import { dhcpOptions } from '../../src/network/packet/dhcp-message.ts';
import { nameBytes } from '../../src/network/packet/dns-message.ts';
import { parseIpv4 } from '../../src/network/packet/ipv4-address.ts';
import { parseIpv6 } from '../../src/network/packet/ipv6-address.ts';
import { parseMac } from '../../src/network/packet/mac.ts';

/*
 * Frames as guests send them, for tests. They are put together here from the bytes of the standards, not with the builders of
 * the sources, so that a mistake there does not pass unseen.
 */

export function mac(text: string): Buffer {
  return Buffer.from(text.replaceAll(':', ''), 'hex');
}

export function ip(text: string): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(parseIpv4(text) ?? 0);
  return bytes;
}

export function ip6(text: string): Buffer {
  return parseIpv6(text) ?? Buffer.alloc(16);
}

export function macNumber(text: string): number {
  return parseMac(text) ?? 0;
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

/** Who sends to whom. */
export interface Route {
  readonly from: string;
  readonly to: string;
}

export function ethernet(
  { from, to }: Route,
  type: number,
  payload: Buffer,
  tags: readonly number[] = [],
): Buffer {
  const tagBytes = tags.map((vlan) => Buffer.concat([word(0x8100), word(vlan)]));
  return Buffer.concat([mac(to), mac(from), ...tagBytes, word(type), payload]);
}

export interface ArpFields {
  readonly operation?: number;
  readonly senderMac?: string;
  readonly sender: string;
  readonly target: string;
}

export function arp(
  route: Route,
  { operation = 1, senderMac = route.from, sender, target }: ArpFields,
): Buffer {
  const head = Buffer.from('000108000604', 'hex');
  const payload = [head, word(operation), mac(senderMac), ip(sender), Buffer.alloc(6), ip(target)];
  return ethernet(route, 0x0806, Buffer.concat(payload));
}

export interface Ipv4Fields {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly payload: Buffer;
  /** Flags and offset of the fragment. */
  readonly fragment?: number;
  readonly options?: Buffer;
  readonly tags?: readonly number[];
}

export function ipv4(route: Route, fields: Ipv4Fields): Buffer {
  const { source, destination, protocol, payload, fragment = 0, options = Buffer.alloc(0), tags } = fields;
  const header = Buffer.alloc(20 + options.length);
  header.writeUInt8(0x40 | (header.length / 4), 0);
  header.writeUInt16BE(header.length + payload.length, 2);
  header.writeUInt16BE(fragment, 6);
  header.writeUInt8(64, 8);
  header.writeUInt8(protocol, 9);
  ip(source).copy(header, 12);
  ip(destination).copy(header, 16);
  options.copy(header, 20);
  header.writeUInt16BE(checksumOf(wordSum(header, 0, header.length)), 10);
  return ethernet(route, 0x0800, Buffer.concat([header, payload]), tags);
}

/** The checksum over the pseudo header is written at `at` of the payload. */
function summed(addresses: readonly Buffer[], protocol: number, payload: Buffer, at: number): Buffer {
  const whole = Buffer.concat([...addresses, payload]);
  payload.writeUInt16BE(checksumOf(wordSum(whole, 0, whole.length) + protocol + payload.length), at);
  return payload;
}

export function udpDatagram(sourcePort: number, destinationPort: number, data: Buffer): Buffer {
  return Buffer.concat([word(sourcePort), word(destinationPort), word(8 + data.length), word(0), data]);
}

export interface Flow {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export function udp(route: Route, flow: Flow, data: Buffer = Buffer.from('hello')): Buffer {
  const { source, destination, sourcePort, destinationPort } = flow;
  const datagram = udpDatagram(sourcePort, destinationPort, data);
  const payload = summed([ip(source), ip(destination)], 17, datagram, 6);
  return ipv4(route, { source, destination, protocol: 17, payload });
}

export const tcpFlags = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const;

export interface TcpFields extends Flow {
  readonly flags: number;
  readonly sequence?: number;
  readonly acknowledged?: number;
  readonly window?: number;
  /** Whole words. */
  readonly options?: Buffer;
  readonly data?: Buffer;
}

function tcpSegment(fields: TcpFields): Buffer {
  const {
    sourcePort,
    destinationPort,
    flags,
    sequence = 1,
    acknowledged = 0,
    window = 0xffff,
    options = Buffer.alloc(0),
    data = Buffer.alloc(0),
  } = fields;
  const header = Buffer.alloc(20);
  header.writeUInt16BE(sourcePort, 0);
  header.writeUInt16BE(destinationPort, 2);
  header.writeUInt32BE(sequence, 4);
  header.writeUInt32BE(acknowledged, 8);
  header.writeUInt8((20 + options.length) * 4, 12);
  header.writeUInt8(flags, 13);
  header.writeUInt16BE(window, 14);
  return Buffer.concat([header, options, data]);
}

export function tcp(route: Route, fields: TcpFields): Buffer {
  const { source, destination } = fields;
  const payload = summed([ip(source), ip(destination)], 6, tcpSegment(fields), 16);
  return ipv4(route, { source, destination, protocol: 6, payload });
}

export function echo(route: Route, source: string, destination: string): Buffer {
  const payload = Buffer.from('080000001234000168656c6c6f21', 'hex');
  payload.writeUInt16BE(checksumOf(wordSum(payload, 0, payload.length)), 2);
  return ipv4(route, { source, destination, protocol: 1, payload });
}

export interface Ipv6Fields {
  readonly source: string;
  readonly destination: string;
  readonly next: number;
  readonly payload: Buffer;
  readonly hopLimit?: number;
}

export function ipv6(
  route: Route,
  { source, destination, next, payload, hopLimit = 64 }: Ipv6Fields,
): Buffer {
  const header = Buffer.concat([
    Buffer.from([0x60, 0, 0, 0]),
    word(payload.length),
    Buffer.from([next, hopLimit]),
  ]);
  return ethernet(route, 0x86dd, Buffer.concat([header, ip6(source), ip6(destination), payload]));
}

export function udp6(route: Route, flow: Flow, data: Buffer = Buffer.from('hello')): Buffer {
  const { source, destination, sourcePort, destinationPort } = flow;
  const datagram = udpDatagram(sourcePort, destinationPort, data);
  const payload = summed([ip6(source), ip6(destination)], 17, datagram, 6);
  return ipv6(route, { source, destination, next: 17, payload });
}

export function tcp6(route: Route, fields: TcpFields): Buffer {
  const { source, destination } = fields;
  const payload = summed([ip6(source), ip6(destination)], 6, tcpSegment(fields), 16);
  return ipv6(route, { source, destination, next: 6, payload });
}

/** ICMPv6; with a hop limit of 255 it is taken for neighbour discovery. */
export function icmp6(
  route: Route,
  source: string,
  destination: string,
  message: Buffer,
  hopLimit = 255,
): Buffer {
  const payload = summed([ip6(source), ip6(destination)], 58, Buffer.from(message), 2);
  return ipv6(route, { source, destination, next: 58, payload, hopLimit });
}

export const ndp = {
  routerSolicitation: () => Buffer.from('8500000000000000', 'hex'),
  routerAdvertisement: () => Buffer.from('86000000400007080000000000000000', 'hex'),
  solicitation: (target: string, from?: string) =>
    Buffer.concat([
      Buffer.from('8700000000000000', 'hex'),
      ip6(target),
      ...(from ? [Buffer.from([1, 1]), mac(from)] : []),
    ]),
  advertisement: (target: string, from: string) =>
    Buffer.concat([Buffer.from('8800000060000000', 'hex'), ip6(target), Buffer.from([2, 1]), mac(from)]),
  echo: () => Buffer.from('800000001234000168656c6c6f21', 'hex'),
};

export interface DhcpFields {
  readonly type: number;
  readonly client: string;
  readonly requested?: string;
  readonly server?: string;
  readonly clientAddress?: string;
  readonly hostName?: string;
  readonly broadcast?: boolean;
}

export function dhcpMessage(fields: DhcpFields): Buffer {
  const { type, client, requested, server, clientAddress, hostName, broadcast = false } = fields;
  const head = Buffer.alloc(240);
  head.writeUInt32BE(0x0101_0600, 0);
  head.writeUInt32BE(0xdead_beef, 4);
  head.writeUInt16BE(broadcast ? 0x8000 : 0, 10);
  if (clientAddress !== undefined) ip(clientAddress).copy(head, 12);
  mac(client).copy(head, 28);
  head.writeUInt32BE(0x6382_5363, 236);
  const option = (code: number, value: Buffer) => Buffer.concat([Buffer.from([code, value.length]), value]);
  const options = [option(dhcpOptions.messageType, Buffer.from([type]))];
  if (requested !== undefined) options.push(option(dhcpOptions.requestedAddress, ip(requested)));
  if (server !== undefined) options.push(option(dhcpOptions.serverId, ip(server)));
  if (hostName !== undefined) options.push(option(dhcpOptions.hostName, Buffer.from(hostName)));
  return Buffer.concat([head, ...options, Buffer.from([255])]);
}

export function dhcp(fields: DhcpFields, from: string = fields.client): Buffer {
  const source = fields.clientAddress ?? '0.0.0.0';
  const flow = { source, destination: '255.255.255.255', sourcePort: 68, destinationPort: 67 };
  return udp({ from, to: 'ff:ff:ff:ff:ff:ff' }, flow, dhcpMessage(fields));
}

export interface QuestionFields {
  readonly name: string;
  readonly type?: number;
  readonly edns?: boolean;
}

export function dnsQuestion({ name, type = 1, edns = false }: QuestionFields): Buffer {
  const head = Buffer.from('cafe01000001000000000000', 'hex');
  head.writeUInt16BE(edns ? 1 : 0, 10);
  const opt = edns ? [Buffer.from('00002904d0000000000000', 'hex')] : [];
  return Buffer.concat([head, nameBytes(name), word(type), word(1), ...opt]);
}

/** A frame with its length in front, as in QEMU's stream. */
export function framed(frame: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(frame.length);
  return Buffer.concat([length, frame]);
}
