import { LearningTable } from './learning-table.ts';
import type { Mac } from './packet/mac.ts';
import type { GuestPort } from './guest-port.ts';
import type { DropReason } from './switch-config.ts';
import { isNetworkMac, type SwitchPlan } from './switch-plan.ts';

/** At which port each MAC address is: those of adapters as configured, others as learned from what was sent. */
export class Stations {
  /** The ports of adapters by their own MAC, which no other port may use. */
  readonly #adapters = new Map<Mac, GuestPort>();
  readonly #learned = new LearningTable<GuestPort>();

  /** Uses the adapters of a plan; what was learned of other addresses stays. */
  configure(plan: SwitchPlan, ports: ReadonlyMap<string, GuestPort>): void {
    this.#adapters.clear();
    // Of two adapters with the same MAC, the first one has it.
    for (const { id, mac } of plan.ports.toReversed()) {
      const port = ports.get(id);
      if (port) this.#adapters.set(mac, port);
      this.#learned.forget(mac);
    }
  }

  forgetPort(port: GuestPort): void {
    this.#learned.forgetPort(port);
  }

  isAdapter(mac: Mac): boolean {
    return this.#adapters.has(mac);
  }

  /** @param now milliseconds of the monotonic clock */
  find(mac: Mac, now: number): GuestPort | undefined {
    return this.#adapters.get(mac) ?? this.#learned.find(mac, now);
  }

  /** Whether a guest may have an address: it is neither the network's nor another adapter's. */
  mayUse(mac: Mac, port: GuestPort, plan: SwitchPlan): boolean {
    const owner = this.#adapters.get(mac);
    return (owner === undefined || owner === port) && !isNetworkMac(mac, plan);
  }

  /** Notes from where an address sends. @returns why it must not send from there; null if it may */
  learn(source: Mac, port: GuestPort, plan: SwitchPlan, now: number): DropReason | null {
    if (this.#adapters.get(source) === port) return null;
    if (!this.mayUse(source, port, plan)) return 'spoofed-mac';
    const learning = this.#learned.learn(source, port, now);
    if (learning === 'known') return null;
    return learning === 'full' ? 'exhaustion' : 'spoofed-mac';
  }
}
