import { readArp } from '../../src/network/packet/arp.ts';
import { u16, u32, u8 } from '../../src/network/packet/bytes.ts';
import { formatIpv4 } from '../../src/network/packet/ipv4-address.ts';
import { ndpTypes } from '../../src/network/packet/ndp.ts';
import { etherTypes, Packet, protocols } from '../../src/network/packet/packet.ts';
import { FakeAdapter } from './fake-adapter.ts';
import * as frames from './frames.ts';
import { gatewayMac } from './switch-world.ts';

export interface FakeGuestAddresses {
  readonly mac: string;
  readonly ipv4: string;
  readonly ipv6: string;
}

/** Where a guest sends to: the address, and the MAC of who is to pass it on. */
export interface Destination {
  readonly mac: string;
  readonly address: string;
  readonly port: number;
}

type Seen = (packet: Packet) => boolean;

const textOf = (packet: Packet, header: number): string =>
  packet.buffer.toString('latin1', packet.transport + header, packet.transportEnd);

/** Bytes of the TCP header with its options. */
const tcpHeader = ({ buffer, transport }: Packet): number => (u8(buffer, transport + 12) >>> 4) * 4;

/**
 * A guest without an engine: it answers ARP and neighbour discovery for its addresses, and speaks as much TCP and UDP as a test
 * needs. The timeout of the test is the deadline of all of it.
 */
export class FakeGuest implements AsyncDisposable {
  readonly adapter: FakeAdapter;
  readonly #addresses: FakeGuestAddresses;
  #port = 20_000;
  #answered = 0;

  constructor(path: string, addresses: FakeGuestAddresses) {
    this.adapter = new FakeAdapter(path);
    this.#addresses = addresses;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.adapter[Symbol.asyncDispose]();
  }

  /** Sends SYN. @returns the port that it is sent from */
  openTcp(to: Destination): number {
    const sourcePort = (this.#port += 1);
    this.adapter.send(this.#tcp(to, sourcePort, { flags: frames.tcpFlags.syn }));
    return sourcePort;
  }

  /** Opens a connection, says hello and waits for what the server says. @returns undefined if it is refused */
  async talkTcp(to: Destination): Promise<string | undefined> {
    const sourcePort = this.openTcp(to);
    const from = (packet: Packet) => this.#isFrom(packet, protocols.tcp, to.port, sourcePort);
    const answer = await this.#wait(from);
    const flags = answer.buffer[answer.transport + 13] ?? 0;
    if ((flags & frames.tcpFlags.rst) !== 0) return undefined;
    const acknowledged = u32(answer.buffer, answer.transport + 4) + 1;
    const { ack, psh } = frames.tcpFlags;
    const greeting = { flags: ack | psh, sequence: 2, acknowledged, data: Buffer.from('hello\n') };
    this.adapter.send(this.#tcp(to, sourcePort, greeting));
    const data = await this.#wait((packet) => from(packet) && packet.transportLength > tcpHeader(packet));
    return textOf(data, tcpHeader(data));
  }

  sendUdp(to: Destination, data: Buffer = Buffer.from('hello\n')): number {
    const sourcePort = (this.#port += 1);
    const route = { from: this.#addresses.mac, to: to.mac };
    const flow = { ...this.#route(to), sourcePort, destinationPort: to.port };
    this.adapter.send(
      to.address.includes(':') ? frames.udp6(route, flow, data) : frames.udp(route, flow, data),
    );
    return sourcePort;
  }

  /** Sends a datagram, and waits for the answer. */
  async talkUdp(to: Destination, data?: Buffer): Promise<string> {
    const sourcePort = this.sendUdp(to, data);
    return textOf(await this.#wait((packet) => this.#isFrom(packet, protocols.udp, to.port, sourcePort)), 8);
  }

  /** Waits for the answer to an echo request over IPv4: all that was sent before has been looked at then. */
  async ping(mac: string, address: string): Promise<void> {
    const already = this.adapter.frames.length;
    this.adapter.send(frames.echo({ from: this.#addresses.mac, to: mac }, this.#addresses.ipv4, address));
    await this.#wait(
      (packet) =>
        packet.isIpv4 && packet.protocol === protocols.icmp && formatIpv4(packet.source4) === address,
      already,
    );
  }

  /** Accepts one connection from the host to a port, and says something. */
  async serveTcp(port: number): Promise<void> {
    const { syn, ack, psh } = frames.tcpFlags;
    const opening = await this.#wait(
      (packet) => packet.protocol === protocols.tcp && packet.hasPorts && packet.destinationPort === port,
    );
    const to = { mac: gatewayMac, address: formatIpv4(opening.source4), port: opening.sourcePort };
    const acknowledged = u32(opening.buffer, opening.transport + 4) + 1;
    this.adapter.send(this.#tcp(to, port, { flags: syn | ack, acknowledged }));
    this.adapter.send(
      this.#tcp(to, port, {
        flags: ack | psh,
        sequence: 2,
        acknowledged,
        data: Buffer.from('from the guest'),
      }),
    );
  }

  /** Answers one datagram that comes to a port. */
  async serveUdp(port: number): Promise<void> {
    const question = await this.#wait((packet) => packet.isUdp && packet.destinationPort === port);
    const [destination, destinationPort] = [formatIpv4(question.source4), question.sourcePort];
    const flow = { source: this.#addresses.ipv4, destination, sourcePort: port, destinationPort };
    const route = { from: this.#addresses.mac, to: gatewayMac };
    this.adapter.send(frames.udp(route, flow, Buffer.from('from the guest')));
  }

  #route(to: Destination): { readonly source: string; readonly destination: string } {
    const { ipv4, ipv6 } = this.#addresses;
    return { source: to.address.includes(':') ? ipv6 : ipv4, destination: to.address };
  }

  #tcp(to: Destination, sourcePort: number, rest: Omit<frames.TcpFields, keyof frames.Flow>): Buffer {
    const route = { from: this.#addresses.mac, to: to.mac };
    const fields = { ...this.#route(to), sourcePort, destinationPort: to.port, ...rest };
    return to.address.includes(':') ? frames.tcp6(route, fields) : frames.tcp(route, fields);
  }

  #isFrom(packet: Packet, protocol: number, sourcePort: number, destinationPort: number): boolean {
    const isIp = packet.isIpv4 || packet.isIpv6;
    if (!isIp || packet.protocol !== protocol || !packet.hasPorts) return false;
    return packet.sourcePort === sourcePort && packet.destinationPort === destinationPort;
  }

  async #wait(seen: Seen, from = 0): Promise<Packet> {
    let found: Packet | undefined;
    await this.adapter.until(() => {
      this.#answer();
      found = this.adapter.frames
        .slice(from)
        .map(read)
        .find((packet) => packet && seen(packet));
      return found !== undefined;
    });
    return found as Packet;
  }

  /** Answers who looks for one of its addresses. */
  #answer(): void {
    const { mac, ipv4, ipv6 } = this.#addresses;
    for (; this.#answered < this.adapter.frames.length; this.#answered += 1) {
      const packet = read(this.adapter.frames[this.#answered]);
      if (!packet) continue;
      const arp = packet.etherType === etherTypes.arp ? readArp(packet) : undefined;
      const to = packet.buffer.toString('hex', 6, 12).replace(/..(?=.)/g, '$&:');
      if (arp?.operation === 'request' && formatIpv4(arp.target) === ipv4)
        this.adapter.send(
          frames.arp({ from: mac, to }, { operation: 2, sender: ipv4, target: formatIpv4(arp.sender) }),
        );
      if (isSolicitationFor(packet, ipv6))
        this.adapter.send(
          frames.icmp6({ from: mac, to }, ipv6, 'fe80::2', frames.ndp.advertisement(ipv6, mac)),
        );
    }
  }
}

function read(frame: Buffer | undefined): Packet | undefined {
  const packet = new Packet();
  return frame && packet.read(frame, 0, frame.length) ? packet : undefined;
}

function isSolicitationFor(packet: Packet, address: string): boolean {
  const isSolicitation =
    packet.isIpv6 &&
    packet.icmpType === ndpTypes.neighbourSolicitation &&
    packet.protocol === protocols.icmpv6;
  const at = packet.transport + 8;
  return (
    isSolicitation &&
    packet.buffer.subarray(at, at + 16).equals(frames.ip6(address)) &&
    u16(packet.buffer, at) !== 0
  );
}
