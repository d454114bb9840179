import type { networkOperations } from '../../api/network-operations.ts';
import { writeCompatFiles } from '../../vm/network/compat-files.ts';
import { createNetwork, deleteNetwork, setNetwork } from '../../vm/network/config.ts';
import { listForwards, listNetworks, showNetwork } from '../../vm/network/describe.ts';
import { addForward, removeForward, setForward } from '../../vm/network/forwards.ts';
import { listLeases } from '../../vm/network/leases.ts';
import { releaseAddress, reserveAddress } from '../../vm/network/reservations.ts';
import { sshTarget } from '../../vm/network/ssh.ts';
import type { Handlers } from './handler.ts';

/** The forward in a path. */
function forwardOf({ transport, port }: { readonly transport: string; readonly port: string }) {
  return { transport: transport === 'udp' ? 'udp' : 'tcp', hostPort: Number(port) } as const;
}

export const networkHandlers: Handlers<keyof typeof networkOperations> = {
  'networks.list': ({ host }) => listNetworks(host),
  'networks.create': ({ host }, { body }) => createNetwork(host, body),
  'networks.show': ({ host }, { params }) => showNetwork(host, params.network),
  'networks.set': ({ host }, { params, body }) => setNetwork(host, params.network, body),
  'networks.delete': async ({ host }, { params }) => {
    await deleteNetwork(host, params.network);
    return { ok: true };
  },
  'networks.forwards': ({ host }, { params }) => listForwards(host, params.network),
  'networks.addForward': ({ host }, { params, body }) => addForward(host, params.network, body),
  'networks.setForward': ({ host }, { params, body }) =>
    setForward(host, params.network, { ...forwardOf(params), bind: body.bind }, body),
  'networks.removeForward': async ({ host }, { params, query }) => {
    await removeForward(host, params.network, { ...forwardOf(params), bind: query.bind });
    return { ok: true };
  },
  'networks.reserve': ({ host }, { params, body }) =>
    reserveAddress(host, params.network, params.adapter, body.address),
  'networks.release': ({ host }, { params }) => releaseAddress(host, params.network, params.adapter),
  'networks.writeFiles': ({ host }) => writeCompatFiles(host),
  'networks.leases': ({ host }, { params }) => listLeases(host, params.network),
  'machines.ssh': ({ host }, { params, body }, progress) => sshTarget(host, params.machine, body, progress),
};
