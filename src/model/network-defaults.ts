import { mtuLimits } from './network-validate.ts';
import type { Network, NetworkType } from './network.ts';

/** A network as it is created, before a person changes anything. */
export function usualNetwork(name: string, type: NetworkType, subnet: string | null): Network {
  return {
    name,
    type,
    subnet,
    mtu: mtuLimits.usual,
    dhcp: subnet !== null && type !== 'bridged',
    interface: null,
    hostLoopback: false,
    boot: null,
    forwards: [],
    reservations: {},
    addresses: {},
  };
}
