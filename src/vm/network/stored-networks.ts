import { addressOf, ipv6PrefixOf, withAddresses } from '../../model/network-address.ts';
import { formatAddress, layoutOf, subnetOf } from '../../model/network-subnet.ts';
import type { Network, NetworkKey } from '../../model/network.ts';
import type { SwitchServices } from '../../network/switch-config.ts';
import { supports } from '../../qemu/capabilities/capabilities.ts';
import { natPlan, type NatPlan } from '../../qemu/network/nat-plan.ts';
import { noSuchNetwork, type Networks } from '../../store/networks.ts';
import { engineFor, hostArchitecture, hostOs } from '../engine/engine.ts';
import { readableBundles } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import type { PortOwner } from './active-forwards.ts';
import type { NetworkBook, NetworkEntry } from './network-book.ts';
import { labelsOf, machineDomain } from './members.ts';
import { hasNat } from './switch-config-of.ts';

/** The addresses and services of a network; null for one without a subnet, which only switches frames. */
function servicesOf(network: Network): SwitchServices | null {
  if (network.subnet === null) return null;
  const subnet = subnetOf(network.subnet);
  const { gateway, nameServer, dhcpServer, others } = layoutOf(subnet);
  return {
    subnet: formatAddress(subnet.base),
    prefixLength: subnet.prefixLength,
    gateway: formatAddress(gateway),
    nameServer: formatAddress(nameServer),
    dhcpServer: formatAddress(dhcpServer),
    pool: [formatAddress(others[0]), formatAddress(others[1])],
    dhcp: network.dhcp,
    domain: machineDomain,
    ipv6Prefix: ipv6PrefixOf(network),
    bootFile: network.boot?.file ?? null,
  };
}

const segment: NetworkEntry = { network: null, services: null, addresses: {}, others: [] };

/** Gives the adapters their addresses in networks.json. @throws KameError NO_SUCH_NETWORK, BROKEN_NETWORK, FILE_ACCESS */
async function withTheirAddresses(
  store: Networks,
  name: string,
  macs: readonly string[],
): Promise<{ readonly network: Network; readonly all: readonly Network[] }> {
  return await store.update((networks) => {
    const found = networks.find((network) => network.name === name);
    if (!found) {
      throw noSuchNetwork(
        name,
        networks.map((network) => network.name),
      );
    }
    const network = withAddresses(found, macs);
    const all = networks.map((other) => (other === found ? network : other));
    return { networks: network === found ? networks : all, result: { network, all } };
  });
}

function addressesOf(network: Network, macs: readonly string[]): Record<string, string> {
  const pairs = macs.flatMap((mac) => {
    const address = addressOf(network, mac);
    return address === undefined ? [] : [[mac, address] as const];
  });
  return Object.fromEntries(pairs);
}

/** What networks.json says, for the networks that run. */
export function storedNetworks(host: Omit<Host, 'networks'>, ownerOf: PortOwner): NetworkBook {
  return {
    ownerOf,
    async entryOf(key: NetworkKey, macs: readonly string[]): Promise<NetworkEntry> {
      if ('segment' in key) return segment;
      const { network, all } = await withTheirAddresses(host.networkStore, key.name, macs);
      const others = all.flatMap(({ name, subnet }) =>
        subnet === null || name === network.name ? [] : [subnet],
      );
      // Reserved addresses of machines that do not run are kept for them too.
      const known = [...macs, ...Object.keys(network.reservations)];
      return {
        network,
        services: servicesOf(network),
        addresses: addressesOf(network, known),
        others,
      };
    },
    async natPlanOf({ network, services }, directory, signal): Promise<NatPlan | null> {
      if (!hasNat(network) || !services || network.subnet === null) return null;
      const capabilities = await engineFor(host, hostArchitecture(), { signal });
      return natPlan({
        binary: capabilities.binary,
        sandbox: supports(capabilities, 'sandbox'),
        os: hostOs(),
        subnet: network.subnet,
        gateway: services.gateway,
        nameServer: services.nameServer,
        ipv6Prefix: services.ipv6Prefix,
        outbound: network.type === 'nat',
        bootDirectory: network.boot?.directory ?? null,
        directory,
      });
    },
    labels: async () => labelsOf((await readableBundles(host)).bundles),
  };
}
