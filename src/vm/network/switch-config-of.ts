import { noShape } from '../../model/link-shape.ts';
import type { Network } from '../../model/network.ts';
import {
  maxHosts,
  type SwitchConfig,
  type SwitchHost,
  type SwitchPort,
  type SwitchServices,
} from '../../network/switch-config.ts';
import { natSocketsIn } from '../../qemu/network/nat-plan.ts';
import { adapterLabels } from './adapter-labels.ts';
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

/** What the switch of a network is to do. Pure. @param labels the names of the machines in the network's domain, by the paths of their `.vmx` */
export function switchConfigOf(facts: SwitchFacts, labels: ReadonlyMap<string, string>): SwitchConfig {
  const { network, services, plugged } = facts;
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
    hosts: hostsOf(facts, labels),
    ports: plugged.map(portOf),
  };
}

/** The adapters of running machines first, then others that have an address: what a person reserved is nobody else's. */
function hostsOf({ plugged, addresses }: SwitchFacts, labels: ReadonlyMap<string, string>): SwitchHost[] {
  const own = adapterLabels(
    plugged.map(({ machine }) => labels.get(machine.vmx)),
    labels.values(),
  );
  const names = new Map(plugged.map(({ adapter }, at) => [adapter.mac, own[at] ?? null]));
  const hosts = [...new Set([...names.keys(), ...Object.keys(addresses)])].flatMap((mac) => {
    const address = addresses[mac];
    return address === undefined ? [] : [{ mac, address, label: names.get(mac) ?? null }];
  });
  // A large network remembers more adapters that are gone than its switch takes.
  return hosts.slice(0, maxHosts);
}

function portOf({ machine, adapter }: Plugged): SwitchPort {
  const { socket, mac, shape } = adapter;
  const id = portId(machine.run, adapter.index);
  return {
    id,
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
