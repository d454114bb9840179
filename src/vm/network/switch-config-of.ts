import { noShape } from '../../model/link-shape.ts';
import type { Network } from '../../model/network.ts';
import type { SwitchConfig, SwitchHost, SwitchPort, SwitchServices } from '../../network/switch-config.ts';
import { natSocketsIn } from '../../qemu/network/nat-plan.ts';
import type { Plugged } from './plugged.ts';

/** Everything that the configuration of a switch follows from. */
export interface SwitchFacts {
  /** Null for a LAN segment. */
  readonly network: Network | null;
  readonly services: SwitchServices | null;
  readonly plugged: readonly Plugged[];
  /** Addresses by MAC. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Subnets of the other networks. */
  readonly others: readonly string[];
  /** The run directory of the network. */
  readonly directory: string;
}

/** Whether a network has a NAT process. */
export function hasNat(network: Network | null): network is Network {
  return network?.type === 'nat' || network?.type === 'hostonly';
}

const segmentMtu = 9000;
/** Characters of a label in a domain name (RFC 1035, 2.3.4). */
const maxLabel = 63;

/** What the switch of a network is to do. Pure. @param labels the names of the machines in the network's domain, by the paths of their `.vmx` */
export function switchConfigOf(facts: SwitchFacts, labels: ReadonlyMap<string, string>): SwitchConfig {
  const { network, services, plugged, addresses } = facts;
  const hosts: SwitchHost[] = [];
  const taken = new Set(labels.values());
  const named = new Set<string>();
  for (const { machine, adapter } of plugged) {
    const address = addresses[adapter.mac];
    const label = labels.get(machine.vmx);
    if (address === undefined || label === undefined) continue;
    // A second adapter of a machine in this network has a number.
    hosts.push({ mac: adapter.mac, address, label: named.has(label) ? numberedLabel(label, taken) : label });
    named.add(label);
  }
  return {
    network: network?.name ?? 'segment',
    mtu: network?.mtu ?? segmentMtu,
    services,
    uplink: hasNat(network)
      ? {
          socket: natSocketsIn(facts.directory).uplink,
          outbound: network.type === 'nat',
          hostLoopback: network.hostLoopback,
          forbidden: facts.others,
        }
      : null,
    hosts,
    ports: plugged.map(portOf),
  };
}

/** A label that no machine has, from 2 on; it is taken then. */
function numberedLabel(label: string, taken: Set<string>): string {
  for (let number = 2; ; number += 1) {
    const own = `${label.slice(0, maxLabel - 4)}-${number}`;
    if (taken.has(own)) continue;
    taken.add(own);
    return own;
  }
}

function portOf({ machine, adapter }: Plugged): SwitchPort {
  const { socket, mac, shape } = adapter;
  return {
    id: portId(machine.run, adapter.index),
    socket,
    mac,
    machine: machine.name,
    shape: shape ?? noShape,
  };
}

/** The id of a port: unique in the home. */
export function portId(run: string, index: number): string {
  return `${run.split('/').at(-1) ?? run}/${index}`;
}
