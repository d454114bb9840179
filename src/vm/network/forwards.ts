import type { AddForward, NetworkForward, SetForward } from '../../api/network.ts';
import { KameError } from '../../core/errors.ts';
import { collides, loopback, placeText, type Place } from '../../model/network-forward.ts';
import type { Forward, Network } from '../../model/network.ts';
import { shown } from '../../model/problem.ts';
import type { Host } from '../host/host.ts';
import { applied } from './applied.ts';
import { showNetwork } from './describe.ts';
import { addressed, membersOf } from './members.ts';
import { refuseWithoutForwards, requested } from './requested-forward.ts';
import { refuseTakenPort } from './taken-port.ts';

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

/** The networks without a forward. */
function without(networks: readonly Network[], name: string, old: Forward | undefined): readonly Network[] {
  if (!old) return networks;
  return networks.map((network) =>
    network.name === name
      ? { ...network, forwards: network.forwards.filter((one) => placeText(one) !== placeText(old)) }
      : network,
  );
}

/** Writes a forward down, in place of an old one if there is one. @returns the names of other networks that had to give way */
async function store(
  host: Host,
  name: string,
  forward: Forward,
  old: Forward | undefined,
): Promise<string[]> {
  return await host.networkStore.update((networks) => {
    const others = without(networks, name, old);
    refuseCollision(forward, others);
    const cleared = others.map((network) => withoutAutomatic(network, forward));
    const changed = cleared.filter((network, at) => network !== others[at] && network.name !== name);
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
async function undo(
  host: Host,
  name: string,
  {
    forward,
    old,
    reason,
  }: { readonly forward: Forward; readonly old: Forward | undefined; readonly reason: string },
): Promise<never> {
  await host.networkStore.change(name, (network) => {
    const others = network.forwards.filter((one) => placeText(one) !== placeText(forward));
    return { network: { ...network, forwards: old ? [...others, old] : others }, result: undefined };
  });
  await host.networks.changed(name);
  throw new KameError('PORT_IN_USE', `Cannot forward ${placeText(forward)}: ${reason}`, {
    details: { network: name, port: forward.hostPort },
  });
}

async function place(
  host: Host,
  reference: string,
  asked: AddForward,
  old?: Forward,
): Promise<NetworkForward> {
  const { name } = await host.networkStore.get(reference);
  const members = await membersOf(host, name);
  const network = await addressed(host, name, members);
  refuseWithoutForwards(network);
  const forward = await requested(host, network, asked, members);
  const networks = (await host.networkStore.all()).flatMap((entry) => (entry.network ? [entry.network] : []));
  refuseCollision(forward, without(networks, name, old));
  const givesWay = (await isOurs(host, forward)) || (old !== undefined && collides(old, forward));
  if (!givesWay) await refuseTakenPort(forward);
  const others = await store(host, name, forward, old);
  for (const other of others) await host.networks.changed(other);
  await applied(
    host,
    name,
    `${name} forwards ${placeText(forward)} to ${asked.target}:${forward.guestPort}.`,
  );
  const { forwards } = await showNetwork(host, name);
  const added = forwards.find((one) => placeText(one) === placeText(forward));
  if (!added) throw new KameError('INTERNAL', `${name} lost the forward ${placeText(forward)}.`);
  if (added.state !== 'failed') return added;
  return await undo(host, name, { forward, old, reason: added.reason ?? 'no reason given.' });
}

/**
 * Forwards a port of the host to a guest: to a machine, which is followed when it is renamed, or to an address.
 * @throws KameError NO_SUCH_NETWORK, NO_SUCH_MACHINE, INVALID_VALUE, ALREADY_EXISTS, PORT_IN_USE, HOST_PROBLEM
 */
export async function addForward(host: Host, reference: string, asked: AddForward): Promise<NetworkForward> {
  return await place(host, reference, asked);
}

/**
 * Forwards a port of the host, in place of the forward that it has, if any: one step, after which there is the new one.
 * @throws KameError as addForward; the old one is as it was then
 */
export async function setForward(
  host: Host,
  reference: string,
  { transport, hostPort, bind }: ForwardReference,
  { description, ...asked }: SetForward,
): Promise<NetworkForward> {
  const network = await host.networkStore.get(reference);
  const old = forwardIn(network, { transport, hostPort, bind });
  const kept = description ?? old?.description;
  return await place(
    host,
    reference,
    {
      ...asked,
      transport,
      hostPort,
      bind: bind ?? old?.bind ?? loopback,
      ...(kept === undefined ? {} : { description: kept }),
    },
    old,
  );
}

/** Which forward a person means: the address is needed only if several have that port. */
interface ForwardReference {
  readonly transport: 'tcp' | 'udp';
  readonly hostPort: number;
  readonly bind?: string | undefined;
}

function isMeant(one: Forward, { transport, hostPort, bind }: ForwardReference): boolean {
  return (
    one.transport === transport && one.hostPort === hostPort && (bind === undefined || bind === one.bind)
  );
}

/** The forward that is meant; undefined if there is none. @throws KameError INVALID_VALUE for several */
function forwardIn({ name, forwards }: Network, wanted: ForwardReference): Forward | undefined {
  const [found, ...more] = forwards.filter((one) => isMeant(one, wanted));
  if (found && more.length > 0) {
    const binds = [found, ...more].map(({ bind }) => bind).join(', ');
    const text = `${wanted.transport} ${wanted.hostPort}`;
    throw new KameError('INVALID_VALUE', `${name} forwards ${text} of several addresses: ${binds}.`, {
      next: 'Name one of them with --bind.',
      details: { network: name },
    });
  }
  return found;
}

/**
 * Removes a port forward, also one whose machine is gone.
 * @throws KameError NO_SUCH_NETWORK, INVALID_VALUE if there is no such forward, or several
 */
export async function removeForward(host: Host, reference: string, wanted: ForwardReference): Promise<void> {
  const network = await host.networkStore.get(reference);
  const { name } = network;
  const found = forwardIn(network, wanted);
  if (!found) {
    const of = wanted.bind === undefined ? '' : ` of ${shown(wanted.bind)}`;
    throw new KameError(
      'INVALID_VALUE',
      `${name} does not forward ${wanted.transport} ${wanted.hostPort}${of}.`,
      {
        next: `kame network forward list ${name} shows its forwards.`,
        details: { network: name },
      },
    );
  }
  await host.networkStore.change(name, ({ forwards, ...others }) => ({
    network: { ...others, forwards: forwards.filter((one) => !isMeant(one, wanted)) },
    result: undefined,
  }));
  await applied(host, name, `${name} no longer forwards ${placeText(found)}.`);
}
