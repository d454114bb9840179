import { Connection } from './connection.ts';
import type { LeaseStore } from './lease-file.ts';
import { Switch, type Intake, type SwitchTools } from './switch.ts';
import type { SwitchConfig, SwitchStatus } from './switch-config.ts';
import { planSwitch } from './switch-plan.ts';
import { Timetable } from './timetable.ts';

/** A switch with its connections: one to each adapter, and one to the NAT process. */
export class PluggedSwitch implements Disposable {
  readonly #timetable = new Timetable(() => performance.now());
  readonly #switch: Switch;
  readonly #connections = new Map<string, Connection>();
  #uplink: Connection | null = null;

  /** @param leases where the leases outlive it */
  constructor(leases: LeaseStore | null = null) {
    const tools: SwitchTools = {
      timetable: this.#timetable,
      now: () => performance.now(),
      random: Math.random,
      wallClock: Date.now,
      leases,
    };
    this.#switch = new Switch(tools);
  }

  /** Uses a new configuration. Connections to sockets that it still has stay as they are. */
  configure(config: SwitchConfig): void {
    const plan = planSwitch(config);
    this.#switch.configure(plan);
    for (const id of [...this.#connections.keys()]) if (!this.#switch.ports.has(id)) this.#unplug(id);
    for (const port of this.#switch.ports.values()) {
      const { socket } = port.plan;
      if (this.#connections.get(port.id)?.path === socket) continue;
      this.#unplug(port.id);
      this.#connections.set(port.id, this.#connect(socket, this.#switch.intakeOf(port)));
    }
    if (this.#uplink?.path === plan.uplink?.socket) return;
    this.#uplink?.[Symbol.dispose]();
    this.#uplink = plan.uplink ? this.#connect(plan.uplink.socket, this.#switch.uplinkIntake()) : null;
  }

  status(): SwitchStatus {
    return this.#switch.status();
  }

  [Symbol.dispose](): void {
    for (const id of [...this.#connections.keys()]) this.#unplug(id);
    this.#uplink?.[Symbol.dispose]();
    this.#timetable[Symbol.dispose]();
  }

  #unplug(id: string): void {
    this.#connections.get(id)?.[Symbol.dispose]();
    this.#connections.delete(id);
  }

  #connect(path: string, { port, receive }: Intake): Connection {
    return new Connection(path, {
      opened: (outlet) => port.plug(outlet),
      received: receive,
      closed: () => port.plug(null),
    });
  }
}
