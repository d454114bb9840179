import { noShape } from '../../src/model/link-shape.ts';
import type { Receipt } from '../../src/network/connection.ts';
import type { Outlet } from '../../src/network/output.ts';
import { FrameDecoder } from '../../src/network/packet/frame-decoder.ts';
import type {
  DropReason,
  SwitchConfig,
  SwitchPort,
  SwitchServices,
  SwitchUplink,
} from '../../src/network/switch-config.ts';
import { planSwitch } from '../../src/network/switch-plan.ts';
import type { LeaseStore } from '../../src/network/lease-file.ts';
import { Switch } from '../../src/network/switch.ts';
import type { Intake, OpenConnections } from '../../src/network/switch-tools.ts';
import { Timetable } from '../../src/network/timetable.ts';
import { FakeHost } from './fake-host.ts';
import { framed } from './frames.ts';

export const everyone = 'ff:ff:ff:ff:ff:ff';
export const gatewayMac = '52:55:c0:a8:4d:02';
export const nameServerMac = '52:55:c0:a8:4d:03';
export const serverMac = '52:55:c0:a8:4d:fe';
export const routerMac6 = '52:56:00:00:00:02';
export const nameServerMac6 = '52:56:00:00:00:03';
export const macA = '52:54:00:00:00:0a';
export const macB = '52:54:00:00:00:0b';
export const macC = '52:54:00:00:00:0c';

export const services: SwitchServices = {
  subnet: '192.168.77.0',
  prefixLength: 24,
  gateway: '192.168.77.2',
  nameServer: '192.168.77.3',
  dhcpServer: '192.168.77.254',
  pool: ['192.168.77.128', '192.168.77.253'],
  dhcp: true,
  domain: 'kame',
  ipv6Prefix: 'fd12:3456:789a:8::',
  bootFile: null,
};

export const uplink: SwitchUplink = {
  socket: '/tmp/none/uplink',
  outbound: true,
  hostLoopback: false,
  forbidden: ['192.168.78.0/24'],
};

export function portOf(id: string, mac: string, fields: Partial<SwitchPort> = {}): SwitchPort {
  return { id, socket: `/tmp/none/${id}`, mac, machine: id, shape: noShape, ...fields };
}

export const hosts = [
  { mac: macA, address: '192.168.77.10', label: 'a' },
  { mac: macB, address: '192.168.77.11', label: 'b' },
];

/** A NAT network with the ports a, b and c, of which c has no address by configuration. */
export function natConfig(fields: Partial<SwitchConfig> = {}): SwitchConfig {
  const ports = [portOf('a', macA), portOf('b', macB), portOf('c', macC)];
  return { network: 'vmnet8', mtu: 1500, services, uplink, hosts, ports, ...fields };
}

/** What a test sees and sets of a connection. */
export type Link = Pick<Collector, 'isBehind' | 'isPaused' | 'caughtUp'>;

/** Collects the frames that are written to a port. */
class Collector implements Outlet {
  readonly isHolding = false;
  isBehind = false;
  isPaused = false;
  caughtUp: () => void = () => undefined;
  readonly frames: Buffer[] = [];
  readonly runs: Buffer[] = [];
  readonly #decoder = new FrameDecoder(70_000);

  whenCaughtUp(callback: () => void): void {
    this.caughtUp = callback;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  write(run: Buffer): number {
    this.runs.push(run);
    this.#decoder.push(run, {
      frame: (buffer, start, end) => this.frames.push(Buffer.from(buffer.subarray(start + 4, end))),
      oversize: () => undefined,
    });
    return 0;
  }
}

const usualTime = 1_700_000_000_000;

/** A switch without sockets, whose clocks the test sets. */
export class SwitchWorld implements Disposable {
  now = 1000;
  wallClock: number;
  random = 0.5;
  readonly timetable = new Timetable(() => this.now);
  /** What guests dial. */
  readonly host = new FakeHost();
  readonly switch: Switch;
  readonly #collectors = new Map<string, Collector>();
  readonly #intakes = new Map<string, Intake>();

  constructor(
    config: SwitchConfig = natConfig(),
    leases: LeaseStore | null = null,
    wallClock = usualTime,
    connections: OpenConnections | null = null,
  ) {
    this.wallClock = wallClock;
    this.switch = new Switch({
      leases,
      timetable: this.timetable,
      now: () => this.now,
      random: () => this.random,
      wallClock: () => this.wallClock,
      dial: this.host.dial,
      connections,
    });
    this.configure(config);
  }

  configure(config: SwitchConfig): void {
    this.switch.configure(planSwitch(config));
    for (const port of this.switch.ports.values()) {
      if (port.outlet === null) this.#plug(port.id, this.switch.intakeOf(port));
    }
    if (config.uplink && this.switch.uplink.outlet === null) this.#plug('uplink', this.switch.uplinkIntake());
  }

  [Symbol.dispose](): void {
    this.timetable[Symbol.dispose]();
  }

  /** Bytes of the stream, as they come from a port. */
  receive(id: string, chunk: Buffer): Receipt | undefined {
    return this.#intakes.get(id)?.receive(chunk);
  }

  /** Sends frames from a port, all in one chunk. `uplink` is the NAT process. */
  send(id: string, ...frames: readonly Buffer[]): void {
    this.receive(id, Buffer.concat(frames.map(framed)));
  }

  /** The frames that came to a port since the last call. */
  take(id: string): Buffer[] {
    return this.#collectors.get(id)?.frames.splice(0) ?? [];
  }

  /** The connection of a port. */
  link(id: string): Link {
    const link = this.#collectors.get(id);
    if (!link) throw new Error(`No port ${id}.`);
    return link;
  }

  runs(id: string): Buffer[] {
    return this.#collectors.get(id)?.runs.splice(0) ?? [];
  }

  /** Where a frame that a port sends comes out: the names of the ports. */
  whereTo(id: string, frame: Buffer): string[] {
    for (const collector of this.#collectors.values()) collector.frames.length = 0;
    this.send(id, frame);
    return [...this.#collectors.keys()].filter((each) => this.take(each).some((one) => one.equals(frame)));
  }

  /** Why frames of a port were dropped so far. */
  dropped(id: string): Partial<Record<DropReason, number>> {
    return this.switch.ports.get(id)?.status().dropped ?? {};
  }

  #plug(id: string, intake: Intake): void {
    const collector = new Collector();
    this.#collectors.set(id, collector);
    this.#intakes.set(id, intake);
    intake.port.plug(collector);
  }
}
