import type { Network } from '../../src/model/network.ts';

/** A NAT network as it is after its creation, with changes. */
export function sampleNetwork(changes: Partial<Network> = {}): Network {
  return {
    name: 'vmnet8',
    type: 'nat',
    subnet: '192.168.77.0/24',
    mtu: 1500,
    dhcp: true,
    interface: null,
    hostLoopback: false,
    boot: null,
    forwards: [],
    reservations: {},
    addresses: {},
    ...changes,
  };
}
