import { KameError } from '../../core/errors.ts';
import { firstHardware } from '../../model/hardware.ts';
import type { MachineModel, Nic } from '../../model/machine.ts';
import { networkOf } from '../../model/network.ts';
import { shown } from '../../model/problem.ts';
import { supports, type Capabilities } from '../capabilities/capabilities.ts';
import type { Commands } from '../qmp/generated/protocol.ts';
import { netSocketIn } from './sockets.ts';
import type { HostFacts, HostInterface } from './types.ts';

/** vmnet is only in QEMU for macOS, whose schema is not recorded. */
export type Netdev =
  | Commands['netdev_add']['arguments']
  | { readonly type: 'vmnet-bridged'; readonly id: string; readonly ifname: string }
  | { readonly type: 'vmnet-shared' | 'vmnet-host'; readonly id: string };

/** What decides how an adapter is connected, beside the adapter. */
export interface NetdevFacts {
  readonly capabilities: Capabilities;
  readonly os: HostFacts['os'];
  /** The run directory. */
  readonly run: string;
  /** The interfaces of the bridged networks, by the name of the network. */
  readonly bridges?: ReadonlyMap<string, HostInterface>;
}

/** The id of the backend of `ethernetN` in QEMU. */
export function netdevId(index: number): string {
  return `net${index}`;
}

/** The generation of the hardware of a machine; see src/model/hardware.ts. */
export function hardwareOf({ kame }: Pick<MachineModel, 'kame'>): number {
  return kame.hardware ?? firstHardware;
}

function unknownNetwork({ index, connection, connectionText }: Nic): KameError {
  const key = `ethernet${index}.connectionType`;
  const text = shown(connectionText ?? connection);
  return new KameError('INVALID_VALUE', `${key} is ${text}, which Kame does not know.`, {
    next: `\`kame set NAME ${key}=hostonly\` isolates the guest; nat instead of hostonly lets it reach the network of the host.`,
  });
}

/** Before there were switches, an adapter had NAT in the engine, or an isolated one. */
function ownNat(nic: Nic): Netdev {
  const id = netdevId(nic.index);
  if (nic.connection === 'nat') return { type: 'user', id };
  if (nic.connection === 'hostonly') return { type: 'user', id, restrict: true };
  const key = `ethernet${nic.index}.connectionType`;
  throw new KameError(
    'INVALID_VALUE',
    `${key} is ${shown(nic.connectionText ?? nic.connection)}, but the saved state is of a machine that could have only nat and hostonly.`,
    { next: 'Start the machine with --discard-state: from then on it can have any network.' },
  );
}

function onInterface(nic: Nic, { kind, name }: HostInterface): Netdev {
  const id = netdevId(nic.index);
  switch (kind) {
    case 'bridge':
      return { type: 'bridge', id, br: name };
    case 'tap':
      return { type: 'tap', id, ifname: name, script: 'no', downscript: 'no' };
    case 'vmnet-bridged':
      return { type: 'vmnet-bridged', id, ifname: name };
    default:
      return { type: kind, id };
  }
}

/** The bridge, tap device or vmnet interface of an adapter; undefined if it is on a switch, or on nothing. */
export function interfaceOf(nic: Nic, bridges: NetdevFacts['bridges']): HostInterface | undefined {
  const network = networkOf(nic);
  return network && 'name' in network ? bridges?.get(network.name) : undefined;
}

function bridgeMissing({ index }: Nic): KameError {
  return new KameError(
    'INVALID_VALUE',
    `ethernet${index} is bridged, but the network vmnet0 has no interface of the host.`,
    {
      next: `Create it with \`kame network create vmnet0 --bridged IFACE\`, or choose another network: \`kame nic set NAME ${index} --network nat\`.`,
    },
  );
}

/**
 * The backend of an adapter: the user network of the first generation; otherwise a socket on which the engine listens
 * for a switch, or an interface of the host.
 * @throws KameError INVALID_VALUE for a network that is not known, ENGINE_TOO_OLD, HOST_PROBLEM for a long path
 */
export function netdevOf(nic: Nic, hardware: number, facts: NetdevFacts): Netdev {
  if (nic.connection === 'unknown') throw unknownNetwork(nic);
  if (hardware === firstHardware) return ownNat(nic);
  const found = interfaceOf(nic, facts.bridges);
  if (found) return onInterface(nic, found);
  if (nic.connection === 'bridged') throw bridgeMissing(nic);
  if (!supports(facts.capabilities, 'netdev-stream')) {
    throw new KameError('ENGINE_TOO_OLD', `${facts.capabilities.binary} has no stream network backend.`, {
      next: 'Install QEMU 7.2 or newer.',
    });
  }
  const path = netSocketIn(facts.run, nic.index, facts.os);
  // The engine listens and the switch connects, so that a new switch finds every adapter again.
  return { type: 'stream', id: netdevId(nic.index), server: true, addr: { type: 'unix', path } };
}
