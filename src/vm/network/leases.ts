import type { Lease } from '../../api/network.ts';
import type { Host } from '../host/host.ts';
import { membersOf } from './members.ts';

/** The DHCP leases of a network; none while it does not run. @throws KameError NO_SUCH_NETWORK, BROKEN_NETWORK */
export async function listLeases(host: Host, reference: string): Promise<Lease[]> {
  const { name } = await host.networkStore.get(reference);
  const members = await membersOf(host, name);
  const { leases } = await host.networks.status(name);
  return leases.map(({ mac, address, hostname, startedAt, expiresAt }) => ({
    address,
    mac,
    machine: members.find((member) => member.mac === mac)?.machine ?? null,
    hostName: hostname,
    startedAt: new Date(startedAt).toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
  }));
}
