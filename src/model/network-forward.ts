import { isUuid } from './uuid.ts';
import type { Forward, NetworkType } from './network.ts';
import { contains, parseAddress, roleOf, type Subnet } from './network-subnet.ts';

/** Ports below need a right of their own on most hosts. */
export const firstOrdinaryPort = 1024;

export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

/** The address on which a forward listens unless another is asked for. */
export const loopback = '127.0.0.1';
/** All addresses of the host. */
const anyAddress = '0.0.0.0';

/** Whether two forwards would listen at the same place. */
export function collides(one: Place, other: Place): boolean {
  const sameAddress = one.bind === other.bind || [one.bind, other.bind].includes(anyAddress);
  return sameAddress && one.transport === other.transport && one.hostPort === other.hostPort;
}

export type Place = Pick<Forward, 'transport' | 'bind' | 'hostPort'>;

/** Such as `tcp 127.0.0.1:8080`. */
export function placeText({ transport, bind, hostPort }: Place): string {
  return `${transport} ${bind}:${hostPort}`;
}

/**
 * What is wrong with a forward of a network; undefined if it is valid. On a host-only network slirp runs with `restrict`, which
 * drops all UDP of guests, answers too (libslirp, udp_input).
 */
export function forwardFault(
  forward: Forward,
  type: NetworkType,
  subnet: Subnet | undefined,
): string | undefined {
  const { transport, bind, hostPort, target, guestPort } = forward;
  if (transport !== 'tcp' && transport !== 'udp') return 'has a transport that is neither tcp nor udp';
  if (type === 'hostonly' && transport === 'udp')
    return 'is for UDP, and a host-only network forwards TCP only';
  if (parseAddress(bind) === undefined) return 'listens at something that is not an IPv4 address';
  if (!isPort(hostPort) || !isPort(guestPort)) return 'has a port that is not a number from 1 to 65535';
  if ('machine' in target)
    return isUuid(target.machine) ? undefined : 'leads to something that is not a UUID';
  const address = parseAddress(target.address);
  if (address === undefined || !subnet || !contains(subnet, address))
    return 'leads to an address outside the subnet';
  const role = roleOf(subnet, address);
  return role === undefined ? undefined : `leads to an address that is ${role}`;
}
