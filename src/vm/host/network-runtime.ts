import type { Forward } from '../../model/network.ts';
import type { LeaseStatus, PortStatus } from '../../network/switch-config.ts';
import type { Running } from './running.ts';

/** A forward and who listens: the network's NAT process, or why nobody does. */
export interface ForwardStatus {
  readonly forward: Forward;
  /** `waiting`: it listens when the network runs. */
  readonly state: 'listening' | 'waiting' | 'failed';
  /** Of a failed one: the reason, such as the program that has the port. */
  readonly reason: string | null;
}

/** What a network does at the moment. */
export interface NetworkStatus {
  readonly running: boolean;
  /** Process ids of its switch and its NAT; null without. */
  readonly switchPid: number | null;
  readonly natPid: number | null;
  readonly ports: readonly (PortStatus & { readonly machine: string; readonly mac: string })[];
  readonly leases: readonly LeaseStatus[];
  readonly forwards: readonly ForwardStatus[];
  /** Why it does not work, if it does not. */
  readonly trouble: string | null;
}

/** The running networks, as use cases see them. */
export interface NetworkRuntime {
  /** Gives a network that runs its new configuration from networks.json. Of one that does not run: nothing. */
  changed(name: string): Promise<void>;
  status(name: string): Promise<NetworkStatus>;
  /**
   * Plugs the adapters of a running machine as its run record says: into a switch of another network, with another
   * shape, or not any more. It can be called again. A network that cannot be had is no error; its status tells.
   */
  machineChanged(machine: Running): Promise<void>;
}
