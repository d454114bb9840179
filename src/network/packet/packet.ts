import { u16, u32, u8 } from './bytes.ts';
import { macAt, type Mac } from './mac.ts';

export const etherTypes = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;
export const protocols = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const;

export const etherHeader = 14;
const tagTypes: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100]);
const maxTags = 2;
/** Headers that may stand between that of IPv6 and the payload: hop-by-hop, routing, fragment, authentication, options, mobility, HIP, shim6. */
const extensions: ReadonlySet<number> = new Set([0, 43, 44, 51, 60, 135, 139, 140]);
const maxExtensions = 8;
const fragmentHeader = 44;
const authenticationHeader = 51;

export type Fragment = 'none' | 'first' | 'later';

/**
 * What a frame contains, found with checked offsets. One object is used for one frame after the other, so that reading
 * allocates nothing; its fields are valid until the next `read`.
 */
export class Packet {
  buffer: Buffer = Buffer.alloc(0);
  /** Of the Ethernet header. */
  start = 0;
  end = 0;
  destination: Mac = 0;
  source: Mac = 0;
  /** After the VLAN tags. */
  etherType = 0;
  tags = 0;
  /** Where the network header begins. */
  network = 0;
  /** IPv4 or IPv6 with a header that is whole, and whose length agrees with the frame. */
  isIpv4 = false;
  isIpv6 = false;
  /** IPv4 addresses. Those of IPv6 are at `network + 8` and `network + 24`. */
  source4 = 0;
  destination4 = 0;
  /** Of the payload of IPv4 or IPv6; of a later fragment, what its header says. */
  protocol = 0;
  /** Where the payload begins, and where it ends: a frame may be longer than its packet. */
  transport = 0;
  transportEnd = 0;
  fragment: Fragment = 'none';
  /** Options of IPv4, or extension headers of IPv6. */
  hasOptions = false;

  /**
   * Reads a frame of `buffer`.
   * @returns false if it is malformed: shorter than its headers say
   */
  read(buffer: Buffer, start: number, end: number): boolean {
    this.buffer = buffer;
    this.start = start;
    this.end = end;
    this.isIpv4 = false;
    this.isIpv6 = false;
    this.hasOptions = false;
    this.fragment = 'none';
    this.protocol = 0;
    this.tags = 0;
    if (end - start < etherHeader) return false;
    this.destination = macAt(buffer, start);
    this.source = macAt(buffer, start + 6);
    return this.#readType();
  }

  #readType(): boolean {
    const { buffer, start, end } = this;
    let at = start + 12;
    let type = u16(buffer, at);
    while (tagTypes.has(type)) {
      this.tags += 1;
      at += 4;
      if (this.tags > maxTags || at + 2 > end) return false;
      type = u16(buffer, at);
    }
    this.etherType = type;
    this.network = at + 2;
    if (type === etherTypes.ipv4) return this.#readIpv4();
    if (type === etherTypes.ipv6) return this.#readIpv6();
    return true;
  }

  #readIpv4(): boolean {
    const { buffer, network, end } = this;
    const first = u8(buffer, network);
    const headerLength = (first & 15) * 4;
    const total = u16(buffer, network + 2);
    if (first >>> 4 !== 4 || headerLength < 20 || total < headerLength || network + total > end) return false;
    this.isIpv4 = true;
    this.hasOptions = headerLength > 20;
    const fragment = u16(buffer, network + 6);
    if ((fragment & 0x1fff) !== 0) this.fragment = 'later';
    else if ((fragment & 0x2000) !== 0) this.fragment = 'first';
    this.protocol = u8(buffer, network + 9);
    this.source4 = u32(buffer, network + 12);
    this.destination4 = u32(buffer, network + 16);
    this.transport = network + headerLength;
    this.transportEnd = network + total;
    return true;
  }

  #readIpv6(): boolean {
    const { buffer, network, end } = this;
    const last = network + 40 + u16(buffer, network + 4);
    if (u8(buffer, network) >>> 4 !== 6 || network + 40 > end || last > end) return false;
    this.isIpv6 = true;
    this.transport = network + 40;
    this.transportEnd = last;
    this.protocol = u8(buffer, network + 6);
    return !extensions.has(this.protocol) || this.#readExtensions();
  }

  /** Finds the payload behind extension headers. In a later fragment it is not there, so nothing follows. */
  #readExtensions(): boolean {
    const { buffer, transportEnd } = this;
    this.hasOptions = true;
    for (let count = 0; extensions.has(this.protocol); count += 1) {
      const at = this.transport;
      if (count === maxExtensions || at + 8 > transportEnd) return false;
      const kind = this.protocol;
      this.protocol = u8(buffer, at);
      if (kind === fragmentHeader) {
        this.transport = at + 8;
        const offset = u16(buffer, at + 2);
        if ((offset & 0xfff8) !== 0) {
          this.fragment = 'later';
          return true;
        }
        this.fragment = 'first';
      } else {
        const words = u8(buffer, at + 1);
        this.transport = at + (kind === authenticationHeader ? (words + 2) * 4 : (words + 1) * 8);
      }
    }
    return this.transport <= transportEnd;
  }

  /** Bytes of the payload of IPv4 or IPv6. */
  get transportLength(): number {
    return this.transportEnd - this.transport;
  }

  /** Whether the ports of TCP or UDP can be read. */
  get hasPorts(): boolean {
    return (
      this.fragment !== 'later' &&
      (this.protocol === protocols.udp || this.protocol === protocols.tcp) &&
      this.transportLength >= 8
    );
  }

  get sourcePort(): number {
    return u16(this.buffer, this.transport);
  }

  get destinationPort(): number {
    return u16(this.buffer, this.transport + 2);
  }

  /** Whether this is UDP, and not a later fragment. */
  get isUdp(): boolean {
    return this.protocol === protocols.udp && this.hasPorts;
  }

  /** Of ICMP and ICMPv6; -1 if there is none. */
  get icmpType(): number {
    return this.fragment === 'later' || this.transportLength < 4 ? -1 : u8(this.buffer, this.transport);
  }
}
