import type { Addresses } from '../api/machine.ts';
import { primaryAddress } from './agent-watch.ts';
import { refuseWithoutAgent } from './exec.ts';
import type { Host } from './host.ts';
import { runningMachine } from './state.ts';

/** The network interfaces of a guest, as its agent tells now. @throws KameError WRONG_STATE, GUEST_AGENT_MISSING */
export async function addressesOf(host: Host, reference: string): Promise<Addresses> {
  const machine = await runningMachine(host, reference);
  refuseWithoutAgent(machine);
  const interfaces = await machine.agent.networkInterfaces();
  machine.ip = primaryAddress(interfaces);
  return {
    ip: machine.ip,
    interfaces: interfaces.map(({ name, mac, addresses }) => ({
      name,
      mac: mac ?? null,
      addresses: addresses.map(({ address, prefix }) => ({ address, prefix })),
    })),
  };
}
