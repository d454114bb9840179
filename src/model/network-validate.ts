import { normalizeMac } from './uuid.ts';
import type { Network } from './network.ts';
import { collides, forwardFault, placeText } from './network-forward.ts';
import { isNetworkName } from './network-name.ts';
import {
  allowedSubnets,
  contains,
  formatSubnet,
  overlaps,
  parseAddress,
  readSubnet,
  roleOf,
  type Subnet,
} from './network-subnet.ts';
import { refused, shown, type ModelProblem } from './problem.ts';

/** Payload of a frame in bytes: what every IPv4 host takes (RFC 791), and what QEMU's user network can send. */
export const mtuLimits = { min: 576, max: 65_521, usual: 1500 } as const;
export const networkLimits = { networks: 64, forwards: 1024, reservations: 4096, addresses: 65_536 } as const;

/** An interface of Linux has at most 15 characters. */
export function isInterfaceName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,14}$/.test(name);
}

function problem(key: string, value: string, message: string): ModelProblem {
  return { severity: 'error', key, value: shown(value), allowed: '', message };
}

function subnetProblems({ type, subnet }: Network): ModelProblem[] {
  if (subnet === null) {
    const needed = type === 'nat' || type === 'hostonly';
    return needed ? [refused('subnet', '', allowedSubnets)] : [];
  }
  if (type === 'bridged')
    return [
      problem(
        'subnet',
        subnet,
        'A bridged network has no subnet: the addresses are those of the host’s network.',
      ),
    ];
  const read = readSubnet(subnet);
  return 'fault' in read
    ? [{ ...refused('subnet', subnet, allowedSubnets), message: `subnet: ${read.fault}` }]
    : [];
}

function addressProblems(key: string, map: Network['addresses'], subnet: Subnet | undefined): ModelProblem[] {
  const seen = new Set<string>();
  return Object.entries(map).flatMap(([mac, text]) => {
    const address = parseAddress(text);
    if (normalizeMac(mac) !== mac)
      return [problem(key, mac, `${key}: "${shown(mac)}" is not a MAC address.`)];
    if (address === undefined || !subnet || !contains(subnet, address))
      return [problem(key, text, `${key}: "${shown(text)}" is not an address in the subnet.`)];
    const role = roleOf(subnet, address);
    if (role !== undefined) return [problem(key, text, `${key}: ${text} is ${role}.`)];
    if (seen.has(text)) return [problem(key, text, `${key}: two adapters have ${text}.`)];
    seen.add(text);
    return [];
  });
}

function forwardProblems({ type, forwards }: Network, subnet: Subnet | undefined): ModelProblem[] {
  if (forwards.length === 0) return [];
  if (type !== 'nat' && type !== 'hostonly')
    return [problem('forwards', '', `A ${type} network has no port forwards.`)];
  return forwards.flatMap((forward, at) => {
    const place = placeText(forward);
    const fault = forwardFault(forward, type, subnet);
    if (fault !== undefined) return [problem('forwards', place, `The forward ${place} ${fault}.`)];
    const twin = forwards.slice(0, at).some((other) => collides(other, forward));
    return twin ? [problem('forwards', place, `Two forwards listen at ${place}.`)] : [];
  });
}

function optionProblems(network: Network): ModelProblem[] {
  const { type, dhcp, subnet, hostLoopback, boot } = network;
  const found: ModelProblem[] = [];
  if (dhcp && subnet === null)
    found.push(
      problem('dhcp', 'true', 'DHCP needs a subnet; a bridged network has that of the host’s network.'),
    );
  if (hostLoopback && type !== 'nat')
    found.push(
      problem(
        'hostLoopback',
        'true',
        `Only a NAT network can lead to the loopback interface of the host; this one is ${type}.`,
      ),
    );
  if (boot && (type !== 'nat' || !dhcp))
    found.push(problem('boot', boot.file, 'Network boot needs a NAT network with DHCP.'));
  if (boot && !isBootFile(boot.file))
    found.push(
      refused(
        'boot',
        boot.file,
        'a relative path below the directory, of up to 127 letters, digits and . _ - + /',
      ),
    );
  return found;
}

/** A DHCP answer has room for 127 bytes (RFC 2131, `file`). The path must not lead out of the directory. */
function isBootFile(file: string): boolean {
  return /^[A-Za-z0-9._+-][A-Za-z0-9._+/-]{0,126}$/.test(file) && !file.split('/').includes('..');
}

function interfaceProblems({ type, interface: name }: Network): ModelProblem[] {
  if (type !== 'bridged')
    return name === null
      ? []
      : [problem('interface', name, 'Only a bridged network has an interface of the host.')];
  return name !== null && isInterfaceName(name)
    ? []
    : [refused('interface', name ?? '', 'the name of a network interface of this host, such as br0 or en0')];
}

function sizeProblems(network: Network): ModelProblem[] {
  const { forwards, reservations, addresses } = network;
  const counts = {
    forwards: forwards.length,
    reservations: Object.keys(reservations).length,
    addresses: Object.keys(addresses).length,
  };
  return (Object.keys(counts) as (keyof typeof counts)[])
    .filter((key) => counts[key] > networkLimits[key])
    .map((key) => refused(key, counts[key], `at most ${networkLimits[key]} entries`));
}

/** Everything that is wrong with one network by itself. Empty if it can be used. */
export function networkProblems(network: Network): ModelProblem[] {
  const tooLarge = sizeProblems(network);
  if (tooLarge.length > 0) return tooLarge;
  const read = network.subnet === null ? undefined : readSubnet(network.subnet);
  const subnet = read && 'base' in read ? read : undefined;
  const { mtu } = network;
  return [
    ...(isNetworkName(network.name) ? [] : [refused('name', network.name, 'a valid name')]),
    ...subnetProblems(network),
    ...(Number.isInteger(mtu) && mtu >= mtuLimits.min && mtu <= mtuLimits.max
      ? []
      : [refused('mtu', mtu, `a whole number from ${mtuLimits.min} to ${mtuLimits.max}`)]),
    ...interfaceProblems(network),
    ...optionProblems(network),
    ...addressProblems('reservations', network.reservations, subnet),
    ...addressProblems('addresses', network.addresses, subnet),
    ...forwardProblems(network, subnet),
  ];
}

/** Subnets that a network must not have, with who has them, such as `vmnet1` or `eth0 of this host`. */
export interface Neighbour {
  readonly owner: string;
  readonly subnet: Subnet;
}

/** The problems of a subnet that others have too. */
export function overlapProblems(subnet: Subnet, neighbours: readonly Neighbour[]): ModelProblem[] {
  return neighbours
    .filter((neighbour) => overlaps(subnet, neighbour.subnet))
    .map(({ owner, subnet: theirs }) =>
      problem(
        'subnet',
        formatSubnet(subnet),
        `The subnet ${formatSubnet(subnet)} overlaps ${formatSubnet(theirs)} of ${owner}.`,
      ),
    );
}

/**
 * A free 192.168.x.0/24.
 * @param start from which x on to look, so that two homes seldom choose the same
 * @returns undefined if there is none
 */
export function freeSubnet(neighbours: readonly Neighbour[], start: number): Subnet | undefined {
  for (let step = 0; step < 256; step += 1) {
    const subnet = { base: 0xc0a80000 + ((start + step) % 256) * 256, prefixLength: 24 };
    if (overlapProblems(subnet, neighbours).length === 0) return subnet;
  }
  return undefined;
}
