import type { NetworkPort } from '../../model/network-port.ts';
import type { NetworkKey } from '../../model/network.ts';

/** A running machine, as a network knows it. */
export interface PluggedMachine {
  /** Path of its `.vmx`. */
  readonly vmx: string;
  /** Its UUID. */
  readonly id: string;
  readonly name: string;
  /** Its run directory. */
  readonly run: string;
  readonly adapters: readonly NetworkPort[];
}

/** An adapter that is connected to a network. */
export interface Plugged {
  readonly machine: PluggedMachine;
  readonly adapter: NetworkPort;
}

/** A text for each network and each segment, to look them up by. */
export function keyText(key: NetworkKey): string {
  return 'name' in key ? `network ${key.name}` : `segment ${key.segment}`;
}

/** The network in people's words. */
export function networkText(key: NetworkKey): string {
  return 'name' in key ? key.name : `the LAN segment ${key.segment}`;
}
