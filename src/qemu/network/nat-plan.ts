import { join } from 'node:path/posix';
import { escapeValue } from '../plan/builder.ts';
import { argumentsOf } from '../plan/launch-plan.ts';
import { checkSocketPath } from '../plan/sockets.ts';
import type { HostFacts, PlanOption } from '../plan/types.ts';

/** What the NAT of a network must know. */
export interface NatInput {
  readonly binary: string;
  /** Whether this QEMU was built with the sandbox. */
  readonly sandbox: boolean;
  readonly os: HostFacts['os'];
  /** IPv4 in CIDR form, such as `192.168.77.0/24`. */
  readonly subnet: string;
  /** The address by which guests reach the outside, and that of slirp's name server. */
  readonly gateway: string;
  readonly nameServer: string;
  /** Of 64 bits, such as `fd12:3456:789a:8::`; the gateway is ::2 there, the name server ::3. */
  readonly ipv6Prefix: string;
  /** False: only forwarded connections get through. */
  readonly outbound: boolean;
  /** From where guests load files by TFTP; null without. */
  readonly bootDirectory: string | null;
  /** The run directory of the network. */
  readonly directory: string;
}

export interface NatSockets {
  /** The switch connects to it. */
  readonly uplink: string;
  readonly monitor: string;
}

export interface NatPlan extends NatSockets {
  readonly binary: string;
  readonly args: readonly string[];
}

/** The sockets of a NAT process in the run directory of its network. */
export function natSocketsIn(directory: string): NatSockets {
  return { uplink: join(directory, 'up'), monitor: join(directory, 'qmp') };
}

/** slirp: router, name server, TFTP server and port forwards. */
function slirp(input: NatInput): object {
  const { subnet, gateway, nameServer, ipv6Prefix, outbound, bootDirectory } = input;
  return {
    type: 'user',
    id: 'nat',
    net: subnet,
    host: gateway,
    dns: nameServer,
    'ipv6-prefix': ipv6Prefix,
    'ipv6-prefixlen': 64,
    'ipv6-host': `${ipv6Prefix}2`,
    'ipv6-dns': `${ipv6Prefix}3`,
    ...(outbound ? {} : { restrict: true }),
    ...(bootDirectory === null ? {} : { tftp: bootDirectory }),
  };
}

/**
 * Plans the NAT of a network: a QEMU without a machine, whose only parts are slirp and a socket, joined by a hub. It is not
 * started with -S, which would hold all frames back.
 * @throws KameError HOST_PROBLEM when the path of a socket is too long
 */
export function natPlan(input: NatInput): NatPlan {
  const sockets = natSocketsIn(input.directory);
  for (const path of [sockets.uplink, sockets.monitor]) checkSocketPath(path, input.os);
  const netdevs: object[] = [
    slirp(input),
    { type: 'stream', id: 'uplink', server: true, addr: { type: 'unix', path: sockets.uplink } },
    { type: 'hubport', id: 'inside', hubid: 0, netdev: 'nat' },
    { type: 'hubport', id: 'outside', hubid: 0, netdev: 'uplink' },
  ];
  const options: PlanOption[] = [
    { name: '-nodefaults' },
    { name: '-no-user-config' },
    { name: '-display', value: 'none' },
    { name: '-machine', value: 'none' },
    ...(input.sandbox ? [{ name: '-sandbox', value: sandbox }] : []),
    ...netdevs.map((value) => ({ name: '-netdev', value })),
    { name: '-qmp', value: `unix:${escapeValue(sockets.monitor)},server=on,wait=off` },
  ];
  return { ...sockets, binary: input.binary, args: argumentsOf(options) };
}

const sandbox = 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny';
