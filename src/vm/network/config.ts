import { rm, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { CreateNetwork, NetworkDetails, SetNetwork } from '../../api/network.ts';
import { KameError } from '../../core/errors.ts';
import { suggest } from '../../core/suggest.ts';
import { usualNetwork } from '../../model/network-defaults.ts';
import {
  checkNetworkName,
  plainNetworkName,
  standardNetworks,
  typeOfStandardName,
} from '../../model/network-name.ts';
import { movedTo, formatAddress, parseAddress, readSubnet, type Subnet } from '../../model/network-subnet.ts';
import { networkProblems, overlapProblems } from '../../model/network-validate.ts';
import type { Network, NetworkType } from '../../model/network.ts';
import { refuseProblems, shown } from '../../model/problem.ts';
import { networkRunNames } from '../../store/names.ts';
import { interfaceNames } from '../../sys/interface-names.ts';
import type { Host } from '../host/host.ts';
import { showNetwork } from './describe.ts';
import { machinesOf, membersOf, runningIn } from './members.ts';
import { applied } from './applied.ts';

/** @throws KameError INVALID_VALUE if a name of VMware would stand for something else */
function refuseOtherType(name: string, type: NetworkType): void {
  const standard = typeOfStandardName(name);
  if (standard === undefined || standard === type) return;
  throw new KameError(
    'INVALID_VALUE',
    `${name} is the ${standard} network of VMware, and cannot be ${type}.`,
    {
      next: 'Choose another name for the network.',
      details: { network: name },
    },
  );
}

/** Refuses a subnet that another network or, if guests go out through it, this host has. @throws KameError INVALID_VALUE */
function refuseOverlap(host: Host, network: Network, others: readonly Network[]): void {
  if (network.subnet === null) return;
  const subnet = readSubnet(network.subnet);
  // What is wrong with it otherwise is reported by networkProblems.
  if ('fault' in subnet) return;
  const names = new Set(others.map(({ name }) => name));
  const neighbours = host.networkStore
    .neighbours(others)
    .filter(({ owner }) => network.type === 'nat' || names.has(owner));
  refuseProblems(overlapProblems(subnet, neighbours));
}

/** @throws KameError INVALID_VALUE if the host has no such interface */
async function refuseUnknownInterface({ type, interface: name }: Network): Promise<void> {
  if (type !== 'bridged' || name === null) return;
  // On macOS these words stand for networks of the system.
  const modes = process.platform === 'darwin' ? ['vmnet-shared', 'vmnet-host'] : [];
  const known = [...(await interfaceNames()), ...modes];
  if (known.includes(name)) return;
  const meant = suggest(name, known);
  const make =
    process.platform === 'linux' && /^[a-z][\w-]{0,14}$/i.test(name)
      ? ` \`sudo ip link add ${name} type bridge && sudo ip link set ${name} up\` makes a bridge of that name.`
      : '';
  throw new KameError(
    'INVALID_VALUE',
    `This host has no network interface ${shown(name)}.${meant === undefined ? '' : ` Did you mean ${meant}?`}`,
    { next: `Its interfaces are ${known.join(', ')}.${make}`, details: { interface: shown(name) } },
  );
}

/** @throws KameError INVALID_VALUE, FILE_ACCESS unless guests can boot from that file */
async function refuseMissingBootFile({ boot }: Network): Promise<void> {
  if (!boot) return;
  const path = join(boot.directory, boot.file);
  if (!isAbsolute(boot.directory))
    throw new KameError('INVALID_VALUE', `boot: ${shown(boot.directory)} is not an absolute path.`);
  const found = await stat(path).catch((error: unknown) => {
    throw new KameError('FILE_ACCESS', `The file for network boot cannot be read: ${path}`, {
      cause: error,
      next: 'Name a file that exists, as --boot DIRECTORY/FILE.',
      details: { path },
    });
  });
  if (!found.isFile()) throw new KameError('INVALID_VALUE', `boot: ${path} is not a file.`);
}

async function refuseImpossible(network: Network): Promise<void> {
  refuseProblems(networkProblems(network));
  await refuseUnknownInterface(network);
  await refuseMissingBootFile(network);
}

/** A new network from a request; a subnet that was not asked for is empty. */
function requested({ name, type, ...asked }: CreateNetwork): Network {
  const usual = usualNetwork(name, type, asked.subnet ?? null);
  return {
    ...usual,
    mtu: asked.mtu ?? usual.mtu,
    dhcp: asked.dhcp ?? (usual.dhcp || type === 'nat' || type === 'hostonly'),
    interface: asked.interface ?? null,
    hostLoopback: asked.hostLoopback ?? false,
    boot: asked.boot ?? null,
  };
}

/**
 * Creates a network.
 * @throws KameError INVALID_NAME, ALREADY_EXISTS, INVALID_VALUE
 */
export async function createNetwork(host: Host, request: CreateNetwork): Promise<NetworkDetails> {
  const name = plainNetworkName(request.name);
  checkNetworkName(name);
  refuseOtherType(name, request.type);
  const all = await host.networkStore.all();
  if (all.some((entry) => entry.name === name)) throw alreadyExists(name);
  const asked = requested({ ...request, name });
  const wantsSubnet = asked.subnet === null && (asked.type === 'nat' || asked.type === 'hostonly');
  await refuseImpossible(wantsSubnet ? { ...asked, subnet: '192.168.0.0/24' } : asked);
  await host.networkStore.update((networks) => {
    if (networks.some((one) => one.name === name)) throw alreadyExists(name);
    const network = wantsSubnet ? { ...asked, subnet: host.networkStore.freeSubnet(networks) } : asked;
    refuseOverlap(host, network, networks);
    return { networks: [...networks, network], result: network };
  });
  await applied(host, name, `The network ${name} was created.`);
  return await showNetwork(host, name);
}

function alreadyExists(name: string): KameError {
  return new KameError('ALREADY_EXISTS', `A network named ${name} already exists.`, {
    next: `kame network set ${name} changes it; kame network show ${name} shows it.`,
    details: { network: name },
  });
}

/** The addresses of a map at the same places of another subnet. @throws KameError INVALID_VALUE if one has no such place */
function moveAddress(text: string, from: Subnet, to: Subnet): string {
  const moved = movedTo(parseAddress(text) ?? 0, from, to);
  if (moved !== undefined) return formatAddress(moved);
  throw new KameError(
    'INVALID_VALUE',
    `The subnet has no place for ${text}, which is reserved or forwarded to.`,
    {
      next: 'Remove the reservation or the forward first: `kame network show NAME` lists them.',
    },
  );
}

/** The network in another subnet: what people chose keeps its place, and adapters get new addresses. */
function inSubnet(network: Network, subnet: string): Network {
  const [from, to] = [network.subnet, subnet].map((text) => (text === null ? undefined : readSubnet(text)));
  if (!from || !to || !('base' in from) || !('base' in to)) return { ...network, subnet, addresses: {} };
  return {
    ...network,
    subnet,
    addresses: {},
    reservations: Object.fromEntries(
      Object.entries(network.reservations).map(([mac, address]) => [mac, moveAddress(address, from, to)]),
    ),
    forwards: network.forwards.map((forward) =>
      'address' in forward.target
        ? { ...forward, target: { address: moveAddress(forward.target.address, from, to) } }
        : forward,
    ),
  };
}

/** What a network of another type does not have. */
function ofType(network: Network, type: NetworkType): Network {
  if (network.type === type) return network;
  const bridged = type === 'bridged';
  return {
    ...network,
    type,
    ...(bridged ? { subnet: null, dhcp: false, addresses: {} } : { interface: null }),
    ...(type === 'nat' ? {} : { hostLoopback: false, boot: null }),
  };
}

/** The network after a change. */
function changed(host: Host, network: Network, change: SetNetwork, others: readonly Network[]): Network {
  const typed = ofType(network, change.type ?? network.type);
  const wantsSubnet = typed.subnet === null && (typed.type === 'nat' || typed.type === 'hostonly');
  const subnet = change.subnet ?? (wantsSubnet ? host.networkStore.freeSubnet(others) : typed.subnet);
  const placed = subnet === null || subnet === typed.subnet ? typed : inSubnet(typed, subnet);
  return {
    ...placed,
    mtu: change.mtu ?? placed.mtu,
    dhcp: change.dhcp ?? (wantsSubnet || placed.dhcp),
    interface: change.interface ?? placed.interface,
    hostLoopback: change.hostLoopback ?? placed.hostLoopback,
    boot: change.boot === undefined ? placed.boot : change.boot,
  };
}

/** Refuses to change what a guest cannot follow. @throws KameError NETWORK_IN_USE */
function refuseWhileRunning(before: Network, after: Network, running: readonly string[]): void {
  const keys = (['type', 'subnet', 'interface'] as const).filter((key) => before[key] !== after[key]);
  if (keys.length === 0 || running.length === 0) return;
  const machines = running.join(', ');
  throw new KameError(
    'NETWORK_IN_USE',
    `Cannot change the ${keys.join(' and the ')} of ${before.name} while machines run in it: ${machines}.`,
    { next: 'Shut them down first: `kame stop NAME`.', details: { network: before.name, machines } },
  );
}

/**
 * Changes a network. Machines that run in it keep running.
 * @throws KameError NO_SUCH_NETWORK, INVALID_VALUE, NETWORK_IN_USE
 */
export async function setNetwork(host: Host, reference: string, change: SetNetwork): Promise<NetworkDetails> {
  const before = await host.networkStore.get(reference);
  const { name } = before;
  refuseOtherType(name, change.type ?? before.type);
  const running = runningIn(host, name);
  const apply = (now: Network, others: readonly Network[]) => {
    const after = changed(host, now, change, others);
    refuseProblems(networkProblems(after));
    refuseWhileRunning(now, after, running);
    if (now.subnet !== after.subnet || now.type !== after.type) refuseOverlap(host, after, others);
    return { network: after, result: after };
  };
  const all = (await host.networkStore.all()).flatMap(({ network }) => (network ? [network] : []));
  const others = all.filter((one) => one.name !== name);
  await refuseImpossible(apply(before, others).network);
  await host.networkStore.change(name, apply);
  await applied(host, name, `The network ${name} was changed.`);
  return await showNetwork(host, name);
}

/**
 * Deletes a network that no adapter uses; also one whose entry is broken.
 * @throws KameError NO_SUCH_NETWORK, INVALID_VALUE for one that always exists, NETWORK_IN_USE
 */
export async function deleteNetwork(host: Host, reference: string): Promise<void> {
  const name = plainNetworkName(reference);
  const all = await host.networkStore.all();
  // The error of `get` suggests another name.
  if (!all.some((entry) => entry.name === name)) await host.networkStore.get(name);
  if (standardNetworks.includes(name)) {
    throw new KameError(
      'INVALID_VALUE',
      `${name} cannot be deleted: the connection ${typeOfStandardName(name)} of machines stands for it.`,
      {
        next: `kame network set ${name} changes it.`,
        details: { network: name },
      },
    );
  }
  const using = [...machinesOf(await membersOf(host, name)), ...runningIn(host, name)];
  const machines = [...new Set(using)].join(', ');
  if (machines !== '') {
    throw new KameError(
      'NETWORK_IN_USE',
      `Cannot delete ${name}: adapters of these machines are in it: ${machines}.`,
      {
        next: 'Connect them to another network first: `kame set NAME network=nat`.',
        details: { network: name, machines },
      },
    );
  }
  await host.networkStore.remove(name);
  await rm(networkRunNames(host.names, { name }).leases, { force: true });
  await applied(host, name, `The network ${name} was deleted.`);
}
