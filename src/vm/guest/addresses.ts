import type { Addresses } from '../../api/machine.ts';
import { Deadline, poll } from '../../core/deadline.ts';
import { silentProgress } from '../../core/progress.ts';
import type { Host } from '../host/host.ts';
import { runningMachine } from '../host/state.ts';
import { primaryAddress } from '../running/agent-watch.ts';
import { refuseWithoutAgent } from './tools-state.ts';

/** Milliseconds to wait for the address of a guest that has none yet. */
const addressMs = 15_000;
/** Milliseconds for one answer of the agent. */
const queryMs = 10_000;
/** Milliseconds for everything: less than clients wait for a reply. */
const answerMs = 25_000;

/** The network interfaces of a guest, as its agent reports them. @throws KameError WRONG_STATE, GUEST_AGENT_MISSING */
export async function addressesOf(host: Host, reference: string, signal: AbortSignal): Promise<Addresses> {
  const machine = await runningMachine(host, reference);
  refuseWithoutAgent(machine);
  const deadline = new Deadline(answerMs, silentProgress(signal));
  const query = async () => await machine.channels.agent.networkInterfaces(deadline.step(queryMs));
  const withAddress = async () => {
    const interfaces = await query();
    return primaryAddress(interfaces) === null ? undefined : interfaces;
  };
  // A guest that has just booted is still waiting for its DHCP lease.
  const interfaces =
    (await poll(withAddress, { deadlineMs: addressMs, signal, stepMs: 100, maxStepMs: 1000 })) ??
    (await query());
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
