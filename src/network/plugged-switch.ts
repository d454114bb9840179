import { Connection } from './connection.ts';
import type { LeaseStore } from './lease-file.ts';
import { Switch } from './switch.ts';
import type { Intake, OpenConnections, SwitchTools } from './switch-tools.ts';
import type { SwitchConfig, SwitchStatus } from './switch-config.ts';
import { planSwitch, type SwitchPlan } from './switch-plan.ts';
import { dialHost } from './tcp/dial-host.ts';
import { Timetable } from './timetable.ts';

/** A connection that is wanted. */
interface Plug {
  readonly name: string;
  readonly path: string;
  readonly intake: () => Intake;
}

/** A switch with its connections: one to each adapter, and one to the NAT process. */
export class PluggedSwitch implements Disposable {
  readonly #timetable = new Timetable(() => performance.now());
  readonly #switch: Switch;
  readonly #connections = new Map<string, Connection>();

  /** @param leases where the leases outlive it; @param connections where it is noted which connections guests have */
  constructor(leases: LeaseStore | null = null, connections: OpenConnections | null = null) {
    const tools: SwitchTools = {
      timetable: this.#timetable,
      now: () => performance.now(),
      random: Math.random,
      wallClock: Date.now,
      leases,
      dial: dialHost,
      connections,
    };
    this.#switch = new Switch(tools);
  }

  /** Uses a new configuration. Connections to sockets that it still has stay as they are. */
  configure(config: SwitchConfig): void {
    const plan = planSwitch(config);
    this.#switch.configure(plan);
    const wanted = new Map(this.#plugsOf(plan).map((plug) => [plug.name, plug]));
    for (const [name, { path }] of this.#connections) if (wanted.get(name)?.path !== path) this.#unplug(name);
    for (const [name, { path, intake }] of wanted)
      if (!this.#connections.has(name)) this.#connections.set(name, this.#connect(path, intake()));
  }

  #plugsOf({ uplink }: SwitchPlan): Plug[] {
    const adapters = [...this.#switch.ports.values()].map((port): Plug => {
      const { id, socket: path } = port.plan;
      return { name: `adapter ${id}`, path, intake: () => this.#switch.intakeOf(port) };
    });
    if (!uplink) return adapters;
    const intake = () => this.#switch.uplinkIntake();
    return [...adapters, { name: 'uplink', path: uplink.socket, intake }];
  }

  status(): SwitchStatus {
    return this.#switch.status();
  }

  [Symbol.dispose](): void {
    for (const name of this.#connections.keys()) this.#unplug(name);
    this.#timetable[Symbol.dispose]();
  }

  #unplug(name: string): void {
    this.#connections.get(name)?.[Symbol.dispose]();
    this.#connections.delete(name);
  }

  #connect(path: string, { port, receive }: Intake): Connection {
    return new Connection(path, {
      opened: (outlet) => port.plug(outlet),
      received: receive,
      closed: () => port.plug(null),
    });
  }
}
