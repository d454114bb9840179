import type { LinkShape } from './link-shape.ts';
import type { Nic } from './machine.ts';
import { networkOf, type NetworkKey } from './network.ts';

/** A network adapter of an engine that listens for the switch of its network. */
export interface NetworkPort {
  /** N of `ethernetN`. */
  readonly index: number;
  readonly mac: string;
  /** The network by its name, or a LAN segment by its id; null for an adapter that is connected to nothing. */
  readonly network: NetworkKey | null;
  /** The socket in the run directory of the machine on which the engine listens. */
  readonly socket: string;
  readonly shape: LinkShape;
}

/** The port of an adapter; a LAN segment without an id has only itself, so that no switch is needed. */
export function networkPort(nic: Nic, socket: string): NetworkPort {
  const { index, mac, shape } = nic;
  return { index, mac, network: networkOf(nic) ?? null, socket, shape };
}
