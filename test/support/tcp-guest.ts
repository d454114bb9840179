import { checksumOf, wordSum } from '../../src/network/packet/checksum.ts';
import { Packet } from '../../src/network/packet/packet.ts';
import * as frames from './frames.ts';
import { gatewayMac, macA, natConfig, routerMac6, SwitchWorld } from './switch-world.ts';

const { fin, syn, rst, ack } = frames.tcpFlags;
const add = (sequence: number, bytes: number) => (sequence + bytes) >>> 0;
const ahead = (from: number, to: number) => (to - from) | 0;

/** A segment that came to the guest. */
export interface Received {
  readonly flags: number;
  readonly sequence: number;
  readonly acknowledged: number;
  readonly window: number;
  readonly options: Buffer;
  readonly data: Buffer;
}

export interface TcpGuestOptions {
  readonly isIpv6?: boolean;
  readonly port?: number;
  readonly first?: number;
  readonly options?: Buffer;
  /** Its window, as it stands in the header. */
  readonly window?: number;
  readonly mss?: number;
  /** What becomes of a frame on the way, in either direction: how often it arrives. */
  readonly fate?: () => 0 | 1 | 2;
}

/** The options of a usual guest: MSS 1460, windows in units of 128 bytes. */
export const usualOptions = Buffer.from('020405b401030307', 'hex');

/**
 * One TCP connection of a guest on port `a` of a switch, written for the tests: it sends again what is not acknowledged, and keeps
 * what it gets in order only.
 */
export class TcpGuest {
  #world: SwitchWorld;
  readonly #route: frames.Route;
  readonly #flow: frames.Flow;
  readonly #settings: TcpGuestOptions;
  readonly #first: number;
  /** All that it sends, and how much of that was acknowledged and sent; the SYN is not counted. */
  #outgoing = Buffer.alloc(0);
  #acknowledged = 0;
  #sent = 0;
  #isEnding = false;
  #peerFirst: number | null = null;
  #peerWindow = 0;
  #peerShift = 0;
  readonly #incoming: Buffer[] = [];
  #got = 0;
  window: number;
  state: 'new' | 'open' | 'reset' = 'new';
  /** Everything that the other side sends has come. */
  hasEnd = false;
  readonly segments: Received[] = [];

  constructor(world: SwitchWorld, settings: TcpGuestOptions = {}) {
    const { isIpv6 = false, port = 40_000, first = 1000, window = 0xffff } = settings;
    this.#world = world;
    this.#settings = settings;
    this.#first = first;
    this.window = window;
    this.#route = { from: macA, to: isIpv6 ? routerMac6 : gatewayMac };
    const [source, destination] = isIpv6
      ? ['fd12:3456:789a:8::a', '2001:db8::7']
      : ['192.168.77.10', '198.51.100.7'];
    this.#flow = { source, destination, sourcePort: port, destinationPort: 443 };
  }

  get received(): Buffer {
    return Buffer.concat(this.#incoming);
  }

  /** The number that its next byte has, and the next byte that it expects. */
  get next(): number {
    return add(this.#first, 1 + this.#sent);
  }

  get expected(): number {
    return add(this.#peerFirst ?? 0, 1 + this.#got + (this.hasEnd ? 1 : 0));
  }

  get isAllAcknowledged(): boolean {
    return this.#acknowledged === this.#outgoing.length + (this.#isEnding ? 1 : 0);
  }

  /** Sends a segment as it is. */
  raw(fields: Partial<frames.TcpFields>): void {
    const { isIpv6 = false, fate = () => 1 } = this.#settings;
    const usual = { ...this.#flow, flags: ack, sequence: this.next, acknowledged: this.expected };
    const all = { ...usual, window: this.window, ...fields };
    for (let times = fate(); times > 0; times -= 1)
      this.#world.send('a', isIpv6 ? frames.tcp6(this.#route, all) : frames.tcp(this.#route, all));
  }

  open(): void {
    const { options = usualOptions } = this.#settings;
    this.raw({ flags: syn, sequence: this.#first, acknowledged: 0, options });
  }

  /** Opens the connection, and has the host accept it. */
  connect(): this {
    this.open();
    this.#world.host.last.events.connected();
    this.turn();
    return this;
  }

  /** Another switch takes the place of its own. */
  moveTo(world: SwitchWorld): void {
    this.#world = world;
  }

  write(data: Buffer): void {
    this.#outgoing = Buffer.concat([this.#outgoing, data]);
  }

  end(): void {
    this.#isEnding = true;
  }

  /** Takes what has come, and sends what the other side takes. @returns whether there was anything */
  turn(): boolean {
    const { fate = () => 1 } = this.#settings;
    const before = this.segments.length;
    for (const frame of this.#world.take('a'))
      for (let times = fate(); times > 0; times -= 1) this.#take(frame);
    const isNew = this.segments.length > before;
    return this.#send() || isNew;
  }

  /** Its timer has rung: it sends again from what was acknowledged. */
  expire(): void {
    if (this.state === 'new') this.open();
    this.#sent = this.#acknowledged;
  }

  #send(): boolean {
    if (this.state !== 'open') return false;
    const { mss = 1460 } = this.#settings;
    let hasSent = false;
    for (;;) {
      const room = Math.min(this.#peerWindow, 0x1_0000) - (this.#sent - this.#acknowledged);
      const data = this.#outgoing.subarray(this.#sent, this.#sent + Math.max(0, Math.min(mss, room)));
      const isLast = this.#sent + data.length === this.#outgoing.length && this.#isEnding;
      if (data.length === 0 && !isLast) return hasSent;
      this.raw({ data, flags: ack | (isLast ? fin : 0) });
      this.#sent += data.length + (isLast ? 1 : 0);
      hasSent = true;
      if (isLast) return true;
    }
  }

  #take(frame: Buffer): void {
    const packet = new Packet();
    if (!packet.read(frame, 0, frame.length)) throw new Error('A frame is malformed.');
    const { transport: at, transportEnd } = packet;
    const addresses = frame.subarray(at - (packet.isIpv4 ? 8 : 32), at);
    const segment = frame.subarray(at, transportEnd);
    const sum = wordSum(addresses, 0, addresses.length) + wordSum(segment, 0, segment.length);
    if (checksumOf(sum + 6 + segment.length) !== 0) throw new Error('The checksum of a segment is wrong.');
    if (packet.isIpv4 && checksumOf(wordSum(frame, packet.network, packet.transport)) !== 0)
      throw new Error('The checksum of a header is wrong.');
    if (packet.destinationPort !== this.#flow.sourcePort) return;
    const header = (segment.readUInt8(12) >>> 4) * 4;
    this.#handle({
      flags: segment.readUInt8(13),
      sequence: segment.readUInt32BE(4),
      acknowledged: segment.readUInt32BE(8),
      window: segment.readUInt16BE(14),
      options: segment.subarray(20, header),
      data: segment.subarray(header),
    });
  }

  #handle(segment: Received): void {
    this.segments.push(segment);
    const { flags, sequence, acknowledged, window, options, data } = segment;
    if ((flags & rst) !== 0) {
      this.state = 'reset';
      return;
    }
    const isScaled = options.includes(Buffer.from([3, 3]));
    if ((flags & syn) !== 0) {
      if (this.state === 'new') this.#peerShift = isScaled ? (options.at(-1) ?? 0) : 0;
      this.#peerFirst = sequence;
      this.state = 'open';
    }
    if (this.#peerFirst === null) return;
    const count = ahead(add(this.#first, 1), acknowledged);
    if (count > this.#acknowledged) this.#acknowledged = count;
    this.#sent = Math.max(this.#sent, this.#acknowledged);
    this.#peerWindow = (flags & syn) === 0 ? window * 2 ** this.#peerShift : window;
    const known = ahead(sequence, this.expected);
    const end = data.length + ((flags & fin) === 0 ? 0 : 1);
    if ((flags & syn) === 0 && known >= 0 && known < end) {
      this.#incoming.push(Buffer.from(data.subarray(known)));
      this.#got += Math.max(0, data.length - known);
      this.hasEnd = (flags & fin) !== 0;
    }
    if (end > 0 || (flags & syn) !== 0 || ahead(sequence, this.expected) !== 0) this.raw({});
  }
}

/** Lets the guest, the switch and the clocks go on until nothing moves any more, for at most some minutes. */
export function settle(world: SwitchWorld, guest: TcpGuest, isDone: () => boolean): void {
  for (const end = world.now + 600_000; world.now < end && !isDone();) {
    if (guest.turn()) continue;
    world.now += 250;
    world.timetable.runDue();
    if (!guest.turn()) guest.expire();
  }
}

/** Bytes of which no two stretches are alike. */
export function pattern(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, at) => (at * 31 + (at >>> 8)) & 255));
}

/** A connection that a guest has opened, and the host accepted. */
export function opened(options: TcpGuestOptions = {}) {
  const openings: Buffer[] = [];
  const world = new SwitchWorld(natConfig(), null, undefined, {
    takeLeft: () => [],
    opened: (opening) => openings.push(opening),
    ended: (opening) => openings.splice(openings.indexOf(opening), 1),
  });
  const guest = new TcpGuest(world, options).connect();
  return { world, guest, openings, host: world.host.last, [Symbol.dispose]: () => world[Symbol.dispose]() };
}
