import type { Reservation } from '../../api/network.ts';
import { KameError } from '../../core/errors.ts';
import { contains, parseAddress, roleOf, subnetOf } from '../../model/network-subnet.ts';
import type { Network } from '../../model/network.ts';
import { refused, refuseProblems, shown } from '../../model/problem.ts';
import { normalizeMac } from '../../model/uuid.ts';
import { findBundle } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import { applied } from './applied.ts';
import { membersOf, type Member } from './members.ts';

/**
 * The adapter that a person names: a MAC, or a machine with one adapter in the network.
 * @throws KameError NO_SUCH_MACHINE, INVALID_VALUE if that is not exactly one adapter
 */
async function macOf(
  host: Host,
  network: string,
  reference: string,
  members: readonly Member[],
): Promise<string> {
  const mac = normalizeMac(reference);
  if (mac !== undefined) return mac;
  const { name, names } = await findBundle(host, reference);
  const own = members.filter(({ bundle }) => bundle.names.vmx === names.vmx);
  const [first] = own;
  if (first && own.length === 1) return first.mac;
  throw new KameError(
    'INVALID_VALUE',
    `${name} has ${own.length === 0 ? 'no adapter' : `${own.length} adapters`} in the network ${network}.`,
    {
      next: first
        ? `Use the MAC of one of them: ${own.map((one) => one.mac).join(', ')}.`
        : `kame show ${name} lists its adapters.`,
      details: { machine: name, network },
    },
  );
}

/** @throws KameError INVALID_VALUE unless an adapter of this network may have the address */
function checkAddress({ name, subnet }: Network, text: string): void {
  if (subnet === null) {
    throw new KameError('INVALID_VALUE', `${name} has no addresses of its own to reserve.`, {
      next: 'A bridged network has those of the host’s network.',
      details: { network: name },
    });
  }
  const address = parseAddress(text);
  if (address === undefined || !contains(subnetOf(subnet), address))
    refuseProblems([refused('address', text, `an IPv4 address in ${subnet}`)]);
  const role = roleOf(subnetOf(subnet), address ?? 0);
  if (role !== undefined)
    refuseProblems([refused('address', text, `another address in ${subnet}: this one is ${role}`)]);
}

/** The network with a reservation. @throws KameError ALREADY_EXISTS if another adapter has the address */
function reserved(network: Network, mac: string, address: string, members: readonly Member[]): Network {
  const owner = ({ 1: other }: readonly [string, string]) => other === address;
  const taken = [...Object.entries(network.reservations), ...Object.entries(network.addresses)]
    .filter(owner)
    .map(([other]) => ({ other, member: members.find((one) => one.mac === other) }))
    .find(({ other, member }) => other !== mac && (member || Object.hasOwn(network.reservations, other)));
  if (taken) {
    const who = taken.member?.machine ?? taken.other;
    throw new KameError('ALREADY_EXISTS', `${address} is the address of ${who}.`, {
      next: `Choose another address, or give ${who} another one first with \`kame network reserve\`.`,
      details: { address, owner: who },
    });
  }
  const others = Object.entries(network.addresses).filter(([other, own]) => other !== mac && own !== address);
  return {
    ...network,
    reservations: { ...network.reservations, [mac]: address },
    addresses: Object.fromEntries(others),
  };
}

/**
 * Chooses the address of an adapter. Its guest gets it with its next lease.
 * @throws KameError NO_SUCH_NETWORK, NO_SUCH_MACHINE, INVALID_VALUE, ALREADY_EXISTS
 */
export async function reserveAddress(
  host: Host,
  reference: string,
  adapter: string,
  address: string,
): Promise<Reservation> {
  const { name } = await host.networkStore.get(reference);
  const members = await membersOf(host, name);
  const mac = await macOf(host, name, adapter, members);
  await host.networkStore.change(name, (network) => {
    checkAddress(network, address);
    return { network: reserved(network, mac, address, members), result: null };
  });
  const machine = members.find((member) => member.mac === mac)?.machine ?? null;
  await applied(host, name, `${machine ?? mac} has the address ${address} in ${name}.`);
  return { mac, address, machine };
}

/**
 * Gives up the chosen address of an adapter, which then gets one of the network's choice.
 * @throws KameError NO_SUCH_NETWORK, NO_SUCH_MACHINE, INVALID_VALUE if it has no reservation
 */
export async function releaseAddress(host: Host, reference: string, adapter: string): Promise<Reservation> {
  const { name } = await host.networkStore.get(reference);
  const members = await membersOf(host, name);
  const mac = await macOf(host, name, adapter, members);
  const address = await host.networkStore.change(name, (network) => {
    const { [mac]: given, ...reservations } = network.reservations;
    if (given === undefined) {
      throw new KameError('INVALID_VALUE', `${shown(adapter)} has no reserved address in ${name}.`, {
        next: `kame network show ${name} lists the reservations.`,
        details: { network: name, mac },
      });
    }
    return { network: { ...network, reservations }, result: given };
  });
  const machine = members.find((member) => member.mac === mac)?.machine ?? null;
  await applied(host, name, `The address ${address} in ${name} is no longer reserved for ${machine ?? mac}.`);
  return { mac, address, machine };
}
