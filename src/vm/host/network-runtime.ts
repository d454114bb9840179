import type { Forward } from '../../model/network.ts';
import type { LeaseStatus, PortStatus } from '../../network/switch-config.ts';
import type { Running } from './running.ts';

/** A forward and who listens: the network's NAT process, or why nobody does. */
export interface ForwardStatus {
  readonly forward: Forward;
  /** `waiting`: it listens when the network runs, and its machine. */
  readonly state: 'listening' | 'waiting' | 'failed';
  /** Of one that does not listen: the reason, such as the program that has the port. */
  readonly reason: string | null;
}

/** Bytes that the adapters of a machine have carried, as the guest sees them. They begin anew with the switch. */
export interface Traffic {
  readonly receivedBytes: number;
  readonly sentBytes: number;
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
  /**
   * Connects the adapters of a running machine as its run record says: to the switch of another network, with another shape, or
   * not any more. It can be called again. A network that does not work is no error; its status says so.
   */
  machineChanged(machine: Running): Promise<void>;
  /** Disconnects a machine whose engine has ended. */
  machineEnded(machine: Running): void;
  /** Waits until the adapters of a machine are connected. @returns why some are not, in whole sentences */
  connected(
    machine: Running,
    limits: { deadlineMs: number; signal: AbortSignal },
  ): Promise<readonly string[]>;
  /** Gives a network that runs its new configuration from networks.json. Of one that does not run: nothing. */
  changed(name: string): Promise<void>;
  status(name: string): Promise<NetworkStatus>;
  /** What the adapters of the running machines have carried, by run directory. A switch that does not answer in time says nothing. */
  traffic(deadlineMs: number): Promise<ReadonlyMap<string, Traffic>>;
  /**
   * After the machines were adopted. Until then no network is changed, since a switch that knew only some of the machines would
   * disconnect the others. Ends the networks that no living engine uses.
   */
  adopted(): Promise<void>;
  /** Lets go of the processes, which go on. */
  detach(): Promise<void>;
}
