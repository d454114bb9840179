import { distinctHostNames, hostNameFor } from '../../core/host-label.ts';
import { withAddresses } from '../../model/network-address.ts';
import type { NetworkPort } from '../../model/network-port.ts';
import { networkOf, type Network } from '../../model/network.ts';
import { nilUuid } from '../../model/uuid.ts';
import type { Bundle } from '../../store/bundle.ts';
import { allBundles } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import { adapterLabels } from './adapter-labels.ts';

/** The domain of the names of machines: `web.kame`. */
export const machineDomain = 'kame';

/** An adapter of a machine that is in a network, as the `.vmx` says. */
export interface Member {
  readonly bundle: Bundle;
  /** The name of the machine. */
  readonly machine: string;
  /** Undefined for a machine that has none yet: its first start gives it one. */
  readonly uuid: string | undefined;
  /** N of `ethernetN`. */
  readonly index: number;
  readonly mac: string;
  /** The label of its name in the domain: that of the machine, with a number for another adapter in the same network. */
  readonly label: string;
}

/** The labels of machines, by the paths of their `.vmx`. A machine whose name is a label has that one, so that no new machine takes it. */
export function labelsOf(bundles: readonly Bundle[]): Map<string, string> {
  const isLabel = ({ name }: Bundle) => hostNameFor(name) === name;
  const inOrder = [...bundles.filter(isLabel), ...bundles.filter((bundle) => !isLabel(bundle))];
  const labels = distinctHostNames(inOrder.map(({ name }) => name));
  return new Map(inOrder.map(({ names }, at) => [names.vmx, labels[at] ?? '']));
}

/** All adapters of machines by the name of their network, in the order of machines and adapters. */
export async function allMembers(host: Host): Promise<ReadonlyMap<string, readonly Member[]>> {
  const bundles = await allBundles(host);
  const labels = labelsOf(bundles);
  const found = new Map<string, Member[]>();
  for (const bundle of bundles) {
    const model = bundle.content?.model;
    for (const nic of model?.nics ?? []) {
      const network = networkOf(nic);
      if (!model || !network || !('name' in network)) continue;
      const member: Member = {
        bundle,
        machine: bundle.name,
        uuid: model.uuid === nilUuid ? undefined : model.uuid,
        index: nic.index,
        mac: nic.mac,
        label: labels.get(bundle.names.vmx) ?? '',
      };
      found.set(network.name, [...(found.get(network.name) ?? []), member]);
    }
  }
  for (const [name, members] of found) {
    const own = adapterLabels(
      members.map(({ label }) => label),
      labels.values(),
    );
    found.set(
      name,
      members.map((member, at) => ({ ...member, label: own[at] ?? member.label })),
    );
  }
  return found;
}

/** The adapters of machines in a network. */
export async function membersOf(host: Host, network: string): Promise<readonly Member[]> {
  return (await allMembers(host)).get(network) ?? [];
}

/** The names of machines, each once. */
export function machinesOf(members: readonly Member[]): string[] {
  return [...new Set(members.map(({ machine }) => machine))];
}

/** The names of running machines that are connected to a network. */
export function runningIn(host: Host, network: string): string[] {
  return host.running
    .all()
    .filter(({ record }) => record.networks.some((port) => isIn(port, network)))
    .map(({ name }) => name);
}

/** Whether an adapter of a running machine is connected to a network. */
export function isIn({ network }: NetworkPort, name: string): boolean {
  return network !== null && 'name' in network && network.name === name;
}

/** The same network with an address for each adapter that is in it now, which is written down. @throws KameError */
export async function addressed(host: Host, name: string, members: readonly Member[]): Promise<Network> {
  const macs = members.map(({ mac }) => mac);
  const now = await host.networkStore.get(name);
  // Usually there is nothing to write.
  if (withAddresses(now, macs) === now) return now;
  return await host.networkStore.change(name, (network) => {
    const changed = withAddresses(network, macs);
    return { network: changed, result: changed };
  });
}
