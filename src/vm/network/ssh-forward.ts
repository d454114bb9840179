import { KameError } from '../../core/errors.ts';
import { loopback, placeText } from '../../model/network-forward.ts';
import type { Forward, Network } from '../../model/network.ts';
import { networkLimits } from '../../model/network-validate.ts';
import { freePort, whyNotListening } from '../../sys/port-probe.ts';
import type { Host } from '../host/host.ts';
import { addressed, membersOf } from './members.ts';

const sshPort = 22;

/** Which adapter `kame ssh` uses. */
export interface SshAdapter {
  /** The name of its network. */
  readonly network: string;
  /** Of its machine. */
  readonly uuid: string;
}

function isFor({ uuid }: SshAdapter): (forward: Forward) => boolean {
  return ({ automatic, transport, target, guestPort }) =>
    automatic === true &&
    transport === 'tcp' &&
    guestPort === sshPort &&
    'machine' in target &&
    target.machine === uuid;
}

/** Whether a forward that was made earlier can still be used: nobody else listens there. */
async function isUsable(host: Host, network: string, forward: Forward): Promise<boolean> {
  const { forwards } = await host.networks.status(network);
  const known = forwards.find((one) => placeText(one.forward) === placeText(forward));
  if (known?.state === 'listening') return true;
  return known?.state !== 'failed' && (await whyNotListening(forward)) === undefined;
}

/** A port that is free now, and that no forward wants when its network runs. */
async function unusedPort(networks: readonly Network[]): Promise<number> {
  const wanted = new Set(networks.flatMap(({ forwards }) => forwards.map(({ hostPort }) => hostPort)));
  for (let tries = 0; tries <= wanted.size; tries += 1) {
    const port = await freePort(loopback);
    if (!wanted.has(port)) return port;
  }
  throw new KameError('HOST_PROBLEM', 'This host has no free port for SSH.', {
    next: 'Remove port forwards that are not needed: `kame network forward list` shows them.',
  });
}

/** Makes the forward, in place of one that is of no use. @throws KameError HOST_PROBLEM, INVALID_VALUE */
async function choose(host: Host, adapter: SshAdapter): Promise<Forward> {
  const networks = (await host.networkStore.all()).flatMap(({ network }) => (network ? [network] : []));
  const forward: Forward = {
    transport: 'tcp',
    bind: loopback,
    hostPort: await unusedPort(networks),
    target: { machine: adapter.uuid },
    guestPort: sshPort,
    automatic: true,
  };
  const living = new Set((await membersOf(host, adapter.network)).map(({ uuid }) => uuid));
  await host.networkStore.change(adapter.network, (network) => {
    const others = network.forwards.filter((one) => !isFor(adapter)(one));
    // Those of machines that are gone make room before a person's forwards would have none.
    const full = others.length >= networkLimits.forwards;
    const kept = full ? others.filter((one) => one.automatic !== true || isLiving(one, living)) : others;
    return { network: { ...network, forwards: [...kept, forward] }, result: null };
  });
  return forward;
}

function isLiving({ target }: Forward, living: ReadonlySet<string | undefined>): boolean {
  return 'machine' in target && living.has(target.machine);
}

/**
 * The forward of a port of the loopback interface to the SSH server of a machine. It stays the same, unless another program has
 * taken its port.
 */
export async function ensureSshForward(host: Host, adapter: SshAdapter): Promise<Forward> {
  const network = await addressed(host, adapter.network, await membersOf(host, adapter.network));
  const found = network.forwards.find(isFor(adapter));
  if (found && (await isUsable(host, adapter.network, found))) return found;
  const forward = await choose(host, adapter);
  await host.networks.changed(adapter.network);
  return forward;
}
