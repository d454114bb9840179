import type { Receipt } from './connection.ts';
import { Egress } from './egress.ts';
import { GuestPort } from './guest-port.ts';
import { guestVerdict, type Owners } from './guest-policy.ts';
import { LeaseBook } from './lease-book.ts';
import { readArp } from './packet/arp.ts';
import { lengthBytes, type FrameSink } from './packet/frame-decoder.ts';
import { isGroup } from './packet/mac.ts';
import { etherTypes, Packet } from './packet/packet.ts';
import { Port } from './port.ts';
import { NetworkServices, type Asker, type ServedPlan } from './services.ts';
import { Stations } from './stations.ts';
import type { SwitchStatus } from './switch-config.ts';
import { emptyPlan, isNetworkMac, type PortPlan, type SwitchPlan } from './switch-plan.ts';
import type { Intake, SwitchTools } from './switch-tools.ts';
import { UdpReplies } from './udp-replies.ts';
import { mayReachGuests, uplinkVerdict, type UplinkContext } from './uplink-policy.ts';

/** An Ethernet header and one VLAN tag. */
const headerBytes = 18;
const dnsPort = 53;

/**
 * A learning switch with the services of a network. It switches frames between guests, answers what is for the network itself,
 * and lets pass to the NAT process what `uplink-policy.ts` allows. It holds no sockets: frames come in by an `Intake`, and go
 * out by the `outlet` of a port.
 */
export class Switch {
  plan: SwitchPlan = emptyPlan;
  readonly ports = new Map<string, GuestPort>();
  readonly uplink: Port;
  readonly #tools: SwitchTools;
  readonly #stations = new Stations();
  readonly #leases: LeaseBook;
  readonly #services: NetworkServices;
  readonly #replies = new UdpReplies();
  readonly #egress: Egress;
  readonly #owners: Owners;
  readonly #packet = new Packet();
  #context: UplinkContext | null = null;
  /** The clock is read once for each chunk. */
  #now = 0;

  constructor(tools: SwitchTools) {
    this.#tools = tools;
    const { leases, wallClock } = tools;
    this.#leases = new LeaseBook(() => leases?.changed(() => this.#leases.status(wallClock())));
    this.#services = new NetworkServices(this.#leases);
    this.#leases.restore(leases?.read() ?? [], wallClock());
    this.uplink = new Port(emptyPlan.mtu + headerBytes, tools.now());
    this.#egress = new Egress(this.uplink, tools);
    this.#owners = {
      ownerOf: (address) => this.#leases.ownerOf(address, tools.wallClock()),
      isAdapter: (mac) => this.#stations.isAdapter(mac) || this.plan.hosts.byMac.has(mac),
    };
  }

  /** Uses a new configuration: ports are added and removed, what was learned stays. */
  configure(plan: SwitchPlan): void {
    this.plan = plan;
    const maxFrame = plan.mtu + headerBytes;
    const wanted = new Map(plan.ports.map((port) => [port.id, port]));
    for (const [id, port] of this.ports) if (!wanted.has(id)) this.#unplug(port);
    for (const each of plan.ports) this.#plugIn(each, maxFrame);
    this.#stations.configure(plan, this.ports);
    for (const port of this.ports.values()) port.maxFrame = maxFrame;
    this.uplink.decoder.maxFrame = maxFrame;
    this.#leases.configure(plan.services, plan.hosts, this.#tools.wallClock());
    this.#begin();
    for (const port of this.ports.values()) port.tcp.recheck(plan, this.#context);
  }

  status(): SwitchStatus {
    return {
      uplinkConnected: this.uplink.outlet !== null,
      ports: [...this.ports.values()].map((port) => port.status()),
      leases: this.#leases.status(this.#tools.wallClock()),
    };
  }

  /** Where the bytes of an adapter go. */
  intakeOf(port: GuestPort): Intake {
    const frame: FrameSink['frame'] = (buffer, start, end) => this.#fromGuest(port, buffer, start, end);
    return this.#intake(port, frame, () => port.tcp.nat.settle());
  }

  /** Where the bytes of the NAT process go. */
  uplinkIntake(): Intake {
    return this.#intake(this.uplink, (buffer, start, end) => this.#fromUplink(buffer, start, end));
  }

  /** @param settle does what follows from the frames of a chunk, while their memory is there */
  #intake(port: Port, frame: FrameSink['frame'], settle: () => void = () => undefined): Intake {
    const sink: FrameSink = { frame, oversize: () => port.drop('malformed') };
    return { port, receive: (chunk) => this.#receive(port, chunk, sink, settle) };
  }

  #receive(port: Port, chunk: Buffer, sink: FrameSink, settle: () => void): Receipt {
    this.#begin();
    const isReadable = port.decoder.push(chunk, sink);
    settle();
    const isHeld = this.#egress.flush(port);
    if (!isReadable) return 'broken';
    return isHeld ? 'held' : 'done';
  }

  #begin(): void {
    this.#now = this.#tools.now();
    const { services, uplink } = this.plan;
    const [owners, replies, now] = [this.#owners, this.#replies, this.#now];
    this.#context = services && uplink ? { services, uplink, owners, replies, now } : null;
  }

  #plugIn(plan: PortPlan, maxFrame: number): void {
    const port = this.ports.get(plan.id);
    if (port) port.configure(plan, this.#tools);
    else
      this.ports.set(
        plan.id,
        new GuestPort(plan, maxFrame, this.#tools, (each) => this.#egress.linkTo(each)),
      );
  }

  #unplug(port: GuestPort): void {
    this.ports.delete(port.id);
    this.#stations.forgetPort(port);
    this.#services.neighbours.forget(port.mac);
    port.close();
    port.plug(null);
  }

  /** A frame of a guest, through its link. */
  #fromGuest(port: GuestPort, buffer: Buffer, start: number, end: number): void {
    port.sentFrames += 1;
    port.sentBytes += end - start - lengthBytes;
    if (!port.transmit) {
      this.#switch(port, buffer, start, end);
      return;
    }
    const frame = Buffer.from(buffer.subarray(start, end));
    const passes = port.transmit.pass(frame.length, () => {
      this.#begin();
      this.#switch(port, frame, 0, frame.length);
      port.tcp.nat.settle();
      this.#egress.flush(port);
    });
    if (!passes) port.drop('shaped');
  }

  #switch(port: GuestPort, buffer: Buffer, start: number, end: number): void {
    const packet = this.#packet;
    if (!packet.read(buffer, start + lengthBytes, end) || packet.source === 0 || isGroup(packet.source)) {
      port.drop('malformed');
      return;
    }
    const { source, destination } = packet;
    const { services, hosts } = this.plan;
    const verdict =
      this.#stations.learn(source, port, this.plan, this.#now) ??
      guestVerdict(packet, services, this.#owners);
    if (verdict !== null) {
      port.drop(verdict);
      return;
    }
    if (services && packet.isIpv6) this.#services.neighbours.note(packet, services, hosts);
    if (isGroup(destination)) {
      this.#toGroup(port, packet);
      return;
    }
    const known = this.#stations.find(destination, this.#now);
    if (!known) this.#toOthers(port, packet);
    else if (known !== port) this.#egress.send(port, known, buffer, start, end);
  }

  /** Unicast to what is no guest that is known: the NAT process, the switch itself, or an address that was not seen yet. */
  #toOthers(port: GuestPort, packet: Packet): void {
    const { buffer, start, end, destination } = packet;
    const isUplink = this.#context?.uplink.macs.has(destination) === true;
    const isQuestion = packet.isUdp && packet.destinationPort === dnsPort;
    if (isUplink && !isQuestion) {
      this.#toUplink(port, packet);
      return;
    }
    if (!this.#mayFlood(port) || this.#isServed(port, packet)) return;
    if (isUplink) this.#toUplink(port, packet);
    else if (!isNetworkMac(destination, this.plan)) this.#toAll(port, buffer, start - lengthBytes, end);
  }

  #toGroup(port: GuestPort, packet: Packet): void {
    if (!this.#mayFlood(port)) return;
    if (this.#isServed(port, packet)) return;
    const { services } = this.plan;
    const arp = services && packet.etherType === etherTypes.arp ? readArp(packet) : undefined;
    if (arp && (arp.target === services?.gateway || arp.target === services?.nameServer)) {
      if (this.#context) this.#toUplink(port, packet);
      return;
    }
    const { buffer, start, end } = packet;
    // Neighbour discovery is for both sides.
    if (this.#context && packet.isIpv6 && uplinkVerdict(packet, this.#context) === null)
      this.#egress.append(port, this.uplink, buffer, start - lengthBytes, end);
    this.#toAll(port, buffer, start - lengthBytes, end);
  }

  #mayFlood(port: GuestPort): boolean {
    if (port.flood.take(this.#now)) return true;
    port.drop('storm');
    return false;
  }

  /** Whether the switch itself answers, or it must be dropped. */
  #isServed(port: GuestPort, packet: Packet): boolean {
    if (!this.plan.services) return false;
    const asker: Asker = {
      id: port.id,
      mayUse: (mac) => this.#stations.mayUse(mac, port, this.plan),
      reply: (frame) => this.#reply(port, frame),
    };
    const outcome = this.#services.handle(packet, asker, this.plan as ServedPlan, this.#tools.wallClock());
    if (outcome === 'pass') return false;
    if (outcome !== 'done') port.drop(outcome);
    return true;
  }

  #reply(port: GuestPort, frame: Buffer): void {
    const length = Buffer.alloc(lengthBytes);
    length.writeUInt32BE(frame.length);
    this.#egress.send(port, port, Buffer.concat([length, frame]), 0, lengthBytes + frame.length);
  }

  #toUplink(port: GuestPort, packet: Packet): void {
    const context = this.#context;
    const verdict = context ? uplinkVerdict(packet, context) : 'forbidden';
    if (verdict !== null) {
      port.drop(verdict);
      return;
    }
    const outcome = port.tcp.receive(packet, this.plan);
    if (outcome === undefined)
      this.#egress.append(port, this.uplink, packet.buffer, packet.start - lengthBytes, packet.end);
    else if (outcome !== null) port.drop(outcome);
  }

  #toAll(sender: Port, buffer: Buffer, start: number, end: number): void {
    for (const port of this.ports.values()) {
      if (port !== sender && port.outlet) this.#egress.send(sender, port, buffer, start, end);
    }
  }

  #fromUplink(buffer: Buffer, start: number, end: number): void {
    const packet = this.#packet;
    const context = this.#context;
    if (!context || !packet.read(buffer, start + lengthBytes, end)) {
      this.uplink.drop('malformed');
      return;
    }
    if (!mayReachGuests(packet, context)) {
      this.uplink.drop('forbidden');
      return;
    }
    const known = this.#stations.find(packet.destination, this.#now);
    if (known) this.#egress.send(this.uplink, known, buffer, start, end);
    else this.#toAll(this.uplink, buffer, start, end);
  }
}
