import { createHash } from 'node:crypto';
import { join } from 'node:path/posix';
import { macOfGateway } from '../../network/switch-plan.ts';
import type { NetworkEntry } from './network-book.ts';
import type { Plugged } from './plugged.ts';
import { portId } from './switch-config-of.ts';

/** How the passt of an adapter is started. */
export interface PasstPlan {
  /** Of its companion record: another one for other options. */
  readonly name: string;
  /** The port of its adapter: see `portId`. */
  readonly port: string;
  readonly command: string;
  readonly socket: string;
  readonly args: readonly string[];
}

export const passtPrefix = 'passt-';

/** Root would become `nobody`, who has no access to the directory. passt gives up root's rights itself. */
const sameUser = process.getuid?.() === 0 ? ['--runas', '0:0'] : [];

/**
 * Plans a passt for each adapter of a network that has an address, where there is passt: TCP over IPv4 from the guest to the
 * outside, and nothing else. Nothing leads from the host to the guest, nor from the guest to the loopback interface of the
 * host. All of the options are in every passt since 2023.
 */
export function passtPlansOf(
  { network, services, addresses, passt }: NetworkEntry,
  plugged: readonly Plugged[],
  directory: string,
): PasstPlan[] {
  if (!network || !services || !passt || 'none' in passt) return [];
  const { program: command } = passt;
  const { gateway, prefixLength } = services;
  const common = [
    ...['--foreground', '--quiet', '--ipv4-only', '--mtu', String(network.mtu)],
    ...['--netmask', String(prefixLength), '--gateway', gateway, '--mac-addr', macOfGateway(gateway)],
    ...['--no-map-gw', '--tcp-ports', 'none', '--no-udp', '--no-icmp'],
    ...['--no-dhcp', '--no-dhcpv6', '--no-ndp', '--no-ra'],
    ...sameUser,
  ];
  return plugged.flatMap(({ machine, adapter }) => {
    const address = addresses[adapter.mac];
    if (address === undefined) return [];
    const port = portId(machine.run, adapter.index);
    const options = [...common, '--address', address];
    const text = JSON.stringify([port, command, options]);
    const key = createHash('sha256').update(text).digest('hex').slice(0, 8);
    const socket = join(directory, `p${key}`);
    return { name: `${passtPrefix}${key}`, port, command, socket, args: [...options, '--socket', socket] };
  });
}
