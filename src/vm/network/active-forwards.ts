import { placeText } from '../../model/network-forward.ts';
import type { Forward } from '../../model/network.ts';
import type { NatForward, NatMonitor } from '../../qemu/network/nat-monitor.ts';
import type { ForwardStatus } from '../host/network-runtime.ts';
import type { Plugged } from './plugged.ts';

/** A forward whose guest is known. */
export interface ActiveForward {
  readonly forward: Forward;
  /** The IPv4 address of the guest. */
  readonly address: string;
}

/** The forwards that can listen now: those to an address, and those to a machine that runs in this network. */
export function activeForwards(
  forwards: readonly Forward[],
  plugged: readonly Plugged[],
  addresses: Readonly<Record<string, string>>,
): ActiveForward[] {
  return forwards.flatMap((forward) => {
    const { target } = forward;
    if ('address' in target) return [{ forward, address: target.address }];
    const mac = plugged.find(({ machine }) => machine.id === target.machine)?.adapter.mac;
    const address = mac === undefined ? undefined : addresses[mac];
    return address === undefined ? [] : [{ forward, address }];
  });
}

interface Applied {
  readonly forward: Forward;
  readonly nat: NatForward;
  readonly listens: boolean;
}

/** Finds the program that listens on a port of the host, in words; null if that can't be told. */
export type PortOwner = (forward: Forward) => Promise<string | null>;

/** What listens for the forwards. */
export type NatListener = Pick<NatMonitor, 'add' | 'remove'>;

const limits = { deadlineMs: 5000 };

/** The forwards of one NAT process. */
export class Forwards {
  readonly #monitor: NatListener;
  readonly #ownerOf: PortOwner;
  readonly #applied = new Map<string, Applied>();
  readonly #reasons = new Map<string, string>();

  constructor(monitor: NatListener, ownerOf: PortOwner) {
    this.#monitor = monitor;
    this.#ownerOf = ownerOf;
  }

  /**
   * Makes the process listen for these forwards, and for no others of ours. One that failed is tried again each time.
   * @param fresh the process has just started: it has none
   * @throws KameError ENGINE_FAILED, ENGINE_TIMEOUT when the process does not answer
   */
  async apply(wanted: readonly ActiveForward[], fresh: boolean): Promise<void> {
    const keys = new Map(wanted.map((each) => [placeText(each.forward), each]));
    for (const [key, { nat }] of this.#applied) {
      if (keys.has(key)) continue;
      await this.#monitor.remove(nat, limits);
      this.#applied.delete(key);
      this.#reasons.delete(key);
    }
    for (const [key, { forward, address }] of keys) {
      const { transport, bind, hostPort, guestPort } = forward;
      const nat: NatForward = { transport, bind, hostPort, address, guestPort };
      const old = this.#applied.get(key);
      const same = old?.nat.address === address && old.nat.guestPort === guestPort;
      if (same && old.listens) continue;
      // An earlier daemon may have added it: this one can't know.
      if (old || !fresh) await this.#monitor.remove(nat, limits);
      const listens = await this.#monitor.add(nat, limits);
      this.#applied.set(key, { forward, nat, listens });
      if (listens) this.#reasons.delete(key);
      else this.#reasons.set(key, await this.#reasonOf(forward));
    }
  }

  statusOf(forward: Forward): ForwardStatus {
    const key = placeText(forward);
    const applied = this.#applied.get(key);
    if (!applied) return { forward, state: 'waiting', reason: 'Its machine does not run in this network.' };
    if (applied.listens) return { forward, state: 'listening', reason: null };
    return { forward, state: 'failed', reason: this.#reasons.get(key) ?? null };
  }

  async #reasonOf(forward: Forward): Promise<string> {
    const owner = await this.#ownerOf(forward).catch(() => null);
    const where = `${forward.transport} port ${forward.hostPort} of ${forward.bind}`;
    return owner === null ? `The NAT cannot listen on ${where}.` : `${owner} has ${where}.`;
  }
}
