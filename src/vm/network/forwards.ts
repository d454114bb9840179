import type { AddForward, NetworkForward } from '../../api/network.ts';
import { KameError } from '../../core/errors.ts';
import { addressOf } from '../../model/network-address.ts';
import { collides, forwardFault, placeText, type Place } from '../../model/network-forward.ts';
import { parseAddress, subnetOf } from '../../model/network-subnet.ts';
import type { Forward, Network } from '../../model/network.ts';
import { shown } from '../../model/problem.ts';
import { findBundle } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import { applied } from './applied.ts';
import { showNetwork } from './describe.ts';
import { addressed, membersOf, type Member } from './members.ts';
import { refuseTakenPort } from './taken-port.ts';

/** @throws KameError INVALID_VALUE unless the network has forwards */
function refuseWithoutForwards({ name, type }: Network): void {
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
async function requested(
  host: Host,
  network: Network,
  asked: AddForward,
  members: readonly Member[],
): Promise<Forward> {
  const { transport, bind, hostPort, guestPort } = asked;
  const target =
    parseAddress(asked.target) === undefined
      ? await machineTarget(host, network, asked.target, members)
      : { address: asked.target };
  const forward: Forward = { transport, bind, hostPort, target, guestPort };
  const subnet = network.subnet === null ? undefined : subnetOf(network.subnet);
  const fault = forwardFault(forward, network.type, subnet);
  if (fault === undefined) return forward;
  throw new KameError('INVALID_VALUE', `The forward ${shown(placeText(forward))} ${fault}.`, {
    next: `The subnet of ${network.name} is ${network.subnet}; an address to listen on is an IPv4 address of this host, such as 127.0.0.1 or 0.0.0.0.`,
    details: { network: network.name },
  });
}

function sameTarget({ target, guestPort }: Forward, other: Forward): boolean {
  return JSON.stringify([target, guestPort]) === JSON.stringify([other.target, other.guestPort]);
}

/** @throws KameError ALREADY_EXISTS for the same forward, PORT_IN_USE for another one that listens there */
function refuseCollision(forward: Forward, networks: readonly Network[]): void {
  for (const { name, forwards } of networks) {
    const other = forwards.find((one) => one.automatic === undefined && collides(one, forward));
    if (!other) continue;
    const remove = `kame network forward remove ${name} ${other.transport} ${other.hostPort}`;
    if (sameTarget(other, forward)) {
      throw new KameError('ALREADY_EXISTS', `${name} already forwards ${placeText(other)} to there.`, {
        next: `To make it anew, remove it first: ${remove}.`,
        details: { network: name },
      });
    }
    throw new KameError('PORT_IN_USE', `${name} already forwards ${placeText(other)}.`, {
      next: `Choose another port of the host, or remove that forward: ${remove}.`,
      details: { network: name, port: other.hostPort },
    });
  }
}

/** Those of `kame ssh` give way: it chooses another port the next time. */
function withoutAutomatic(network: Network, forward: Forward): Network {
  const stay = network.forwards.filter((one) => one.automatic === undefined || !collides(one, forward));
  return stay.length === network.forwards.length ? network : { ...network, forwards: stay };
}

/** Writes a forward down. @returns the names of other networks that had to give way */
async function store(host: Host, name: string, forward: Forward): Promise<string[]> {
  return await host.networkStore.update((networks) => {
    refuseCollision(forward, networks);
    const cleared = networks.map((network) => withoutAutomatic(network, forward));
    const changed = cleared.filter((network, at) => network !== networks[at] && network.name !== name);
    return {
      networks: cleared.map((network) =>
        network.name === name ? { ...network, forwards: [...network.forwards, forward] } : network,
      ),
      result: changed.map((network) => network.name),
    };
  });
}

/** Whether an automatic forward of ours listens there, which gives way. */
async function isOurs(host: Host, place: Place): Promise<boolean> {
  const all = await host.networkStore.all();
  return all.some(({ network }) =>
    network?.forwards.some((one) => one.automatic === true && collides(one, place)),
  );
}

/** Takes back a forward for which the network cannot listen. @throws KameError PORT_IN_USE with the reason */
async function undo(host: Host, name: string, forward: Forward, reason: string): Promise<never> {
  await drop(host, name, (one) => placeText(one) === placeText(forward));
  await host.networks.changed(name);
  throw new KameError('PORT_IN_USE', `Cannot forward ${placeText(forward)}: ${reason}`, {
    details: { network: name, port: forward.hostPort },
  });
}

/**
 * Forwards a port of the host to a guest: to a machine, which is followed when it is renamed, or to an address.
 * @throws KameError NO_SUCH_NETWORK, NO_SUCH_MACHINE, INVALID_VALUE, ALREADY_EXISTS, PORT_IN_USE, HOST_PROBLEM
 */
export async function addForward(host: Host, reference: string, asked: AddForward): Promise<NetworkForward> {
  const { name } = await host.networkStore.get(reference);
  const members = await membersOf(host, name);
  const network = await addressed(host, name, members);
  refuseWithoutForwards(network);
  const forward = await requested(host, network, asked, members);
  const networks = (await host.networkStore.all()).flatMap((entry) => (entry.network ? [entry.network] : []));
  refuseCollision(forward, networks);
  if (!(await isOurs(host, forward))) await refuseTakenPort(forward);
  const others = await store(host, name, forward);
  for (const other of others) await host.networks.changed(other);
  await applied(
    host,
    name,
    `${name} forwards ${placeText(forward)} to ${asked.target}:${forward.guestPort}.`,
  );
  const { forwards } = await showNetwork(host, name);
  const added = forwards.find((one) => placeText(one) === placeText(forward));
  if (!added) throw new KameError('INTERNAL', `${name} lost the forward ${placeText(forward)}.`);
  if (added.state === 'failed') return await undo(host, name, forward, added.reason ?? 'no reason given.');
  return added;
}

/** Takes forwards out of a network. @returns those that were taken out */
async function drop(host: Host, name: string, isMeant: (forward: Forward) => boolean): Promise<Forward[]> {
  return await host.networkStore.change(name, (network) => ({
    network: { ...network, forwards: network.forwards.filter((one) => !isMeant(one)) },
    result: network.forwards.filter(isMeant),
  }));
}

/** Which forward a person means: the address is needed only if several have that port. */
interface ForwardReference {
  readonly transport: 'tcp' | 'udp';
  readonly hostPort: number;
  readonly bind?: string | undefined;
}

/**
 * Removes a port forward, also one whose machine is gone.
 * @throws KameError NO_SUCH_NETWORK, INVALID_VALUE if there is no such forward, or several
 */
export async function removeForward(host: Host, reference: string, wanted: ForwardReference): Promise<void> {
  const { name, forwards } = await host.networkStore.get(reference);
  const isMeant = (one: Forward) =>
    one.transport === wanted.transport &&
    one.hostPort === wanted.hostPort &&
    (wanted.bind === undefined || wanted.bind === one.bind);
  const [found, ...more] = forwards.filter(isMeant);
  const text = `${wanted.transport} ${wanted.hostPort}`;
  if (!found) {
    throw new KameError(
      'INVALID_VALUE',
      `${name} does not forward ${text}${wanted.bind === undefined ? '' : ` of ${shown(wanted.bind)}`}.`,
      {
        next: `kame network forward list ${name} shows its forwards.`,
        details: { network: name },
      },
    );
  }
  if (more.length > 0) {
    const binds = [found, ...more].map(({ bind }) => bind).join(', ');
    throw new KameError('INVALID_VALUE', `${name} forwards ${text} of several addresses: ${binds}.`, {
      next: 'Name one of them with --bind.',
      details: { network: name },
    });
  }
  await drop(host, name, isMeant);
  await applied(host, name, `${name} no longer forwards ${placeText(found)}.`);
}
