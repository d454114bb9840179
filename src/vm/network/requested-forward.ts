import type { AddForward } from '../../api/network.ts';
import { KameError } from '../../core/errors.ts';
import { addressOf } from '../../model/network-address.ts';
import { forwardFault, placeText } from '../../model/network-forward.ts';
import { parseAddress, subnetOf } from '../../model/network-subnet.ts';
import type { Forward, Network } from '../../model/network.ts';
import { shown } from '../../model/problem.ts';
import { findBundle } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import type { Member } from './members.ts';

/** @throws KameError INVALID_VALUE unless the network has forwards */
export function refuseWithoutForwards({ name, type }: Network): void {
  if (type === 'nat' || type === 'hostonly') return;
  throw new KameError('INVALID_VALUE', `${name} is a ${type} network, which has no port forwards.`, {
    next:
      type === 'bridged'
        ? 'Its guests are on a network of the host: connect to their own addresses.'
        : 'Forwards need a NAT or host-only network.',
    details: { network: name },
  });
}

/** The machine to which a forward shall lead. @throws KameError NO_SUCH_MACHINE, INVALID_VALUE if it is not in the network */
async function machineTarget(
  host: Host,
  network: Network,
  reference: string,
  members: readonly Member[],
): Promise<Forward['target']> {
  const { name, names } = await findBundle(host, reference);
  const member = members.find(({ bundle }) => bundle.names.vmx === names.vmx);
  if (!member) {
    throw new KameError('INVALID_VALUE', `${name} has no adapter in the network ${network.name}.`, {
      next: `kame show ${name} lists its adapters; kame network list shows which network has which machines.`,
      details: { machine: name, network: network.name },
    });
  }
  if (member.uuid === undefined) {
    throw new KameError('INVALID_VALUE', `${name} has no UUID yet, by which the forward would know it.`, {
      next: `Its first start gives it one: kame start ${name}.`,
      details: { machine: name },
    });
  }
  if (addressOf(network, member.mac) === undefined) {
    throw new KameError('INVALID_VALUE', `${name} has no address in ${network.name}: all are taken.`, {
      next: 'Choose a larger subnet with `kame network set`, or another network.',
      details: { machine: name, network: network.name },
    });
  }
  return { machine: member.uuid };
}

/** The forward that is asked for. @throws KameError NO_SUCH_MACHINE, INVALID_VALUE */
export async function requested(
  host: Host,
  network: Network,
  asked: AddForward,
  members: readonly Member[],
): Promise<Forward> {
  const { transport, bind, hostPort, guestPort, description } = asked;
  const target =
    parseAddress(asked.target) === undefined
      ? await machineTarget(host, network, asked.target, members)
      : { address: asked.target };
  const forward: Forward = {
    transport,
    bind,
    hostPort,
    target,
    guestPort,
    ...(description === undefined || description === '' ? {} : { description }),
  };
  const subnet = network.subnet === null ? undefined : subnetOf(network.subnet);
  const fault = forwardFault(forward, network.type, subnet);
  if (fault === undefined) return forward;
  throw new KameError('INVALID_VALUE', `The forward ${shown(placeText(forward))} ${fault}.`, {
    next: `The subnet of ${network.name} is ${network.subnet}; an address to listen on is an IPv4 address of this host, such as 127.0.0.1 or 0.0.0.0.`,
    details: { network: network.name },
  });
}
