import type { Network } from '../../model/network.ts';
import type { SwitchServices } from '../../network/switch-config.ts';
import type { NatPlan } from '../../qemu/network/nat-plan.ts';
import type { NetworkKey } from '../../model/network.ts';
import type { PortOwner } from './active-forwards.ts';

/** A network as it is to run. */
export interface NetworkEntry {
  /** Null for a LAN segment. */
  readonly network: Network | null;
  readonly services: SwitchServices | null;
  /** Addresses by MAC, of all asked for. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Subnets of the other networks. */
  readonly others: readonly string[];
}

/** What running networks ask of networks.json and of the host. */
export interface NetworkBook {
  /**
   * A network, with an address for each MAC, which it keeps.
   * @throws KameError NOT_FOUND for a name that no network has, FILE_ACCESS
   */
  entryOf(key: NetworkKey, macs: readonly string[]): Promise<NetworkEntry>;
  /** The plan of its NAT; null if it has none. @throws KameError ENGINE_MISSING, HOST_PROBLEM */
  natPlanOf(entry: NetworkEntry, directory: string, signal: AbortSignal): Promise<NatPlan | null>;
  /** The names of machines in the domain of the networks, by the paths of their `.vmx`. */
  labels(): Promise<ReadonlyMap<string, string>>;
  readonly ownerOf: PortOwner;
}
