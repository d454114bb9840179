import { isDeepStrictEqual } from 'node:util';
import type { MachineNic, SetNic } from '../../api/nic.ts';
import { KameError } from '../../core/errors.ts';
import type { DirectionShape } from '../../model/link-shape.ts';
import type { Nic } from '../../model/machine.ts';
import { setLink } from '../../qemu/live-nics.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { recordNic, writeNics } from '../running/nics.ts';
import {
  changeNics,
  checkedNetwork,
  chosenNic,
  emitChange,
  journaled,
  refusedLive,
  requirePorts,
} from './change-nic.ts';
import { describeNow } from './list.ts';

/** A direction with the values that were given. */
function changed(before: DirectionShape, change: SetNic['receive']): DirectionShape {
  return {
    bitsPerSecond: change?.bitsPerSecond === undefined ? before.bitsPerSecond : change.bitsPerSecond,
    lossPerMille: change?.lossPerMille ?? before.lossPerMille,
    latencyMs: change?.latencyMs ?? before.latencyMs,
  };
}

async function wanted(
  host: Host,
  bundle: Bundle,
  before: Nic,
  body: SetNic,
  machine: Running | undefined,
): Promise<Nic> {
  const { vnet: _vnet, segment: _segment, connectionText: _text, ...rest } = before;
  const network =
    body.network === undefined ? undefined : await checkedNetwork(host, bundle, body.network, machine);
  return {
    ...(network ? { ...rest, ...network } : before),
    startConnected: body.connected ?? before.startConnected,
    shape: {
      receive: changed(before.shape.receive, body.receive),
      transmit: changed(before.shape.transmit, body.transmit),
    },
  };
}

/** The engine keeps its socket, and the switch port moves; so only an adapter with a socket can change its network. */
function refuseUnswitched(bundle: Bundle, machine: Running, before: Nic, after: Nic): void {
  const onlyLink = isDeepStrictEqual({ ...before, startConnected: after.startConnected }, after);
  if (onlyLink) return;
  requirePorts(bundle, machine);
  if (machine.record.networks.some(({ index }) => index === before.index)) return;
  throw refusedLive(bundle, `its adapter ${before.index} is on a bridged network`);
}

async function setLive(host: Host, bundle: Bundle, machine: Running, before: Nic, after: Nic): Promise<void> {
  const { index } = after;
  refuseUnswitched(bundle, machine, before, after);
  const others = contentOf(bundle).model.nics.filter((nic) => nic.index !== index);
  // First the .vmx: recovery brings the engine to it.
  await journaled(host, bundle, { kind: 'nic', change: 'set', index }, async () => {
    await writeNics(bundle, [...others, after]);
    await setLink(machine.engine, index, after.startConnected);
    if (machine.record.networks.some((port) => port.index === index)) await recordNic(machine, after);
  });
  await host.networks.machineChanged(machine);
}

/**
 * Changes the network, the cable or the traffic of an adapter; of a running machine at once, and for later starts.
 * @throws KameError NO_SUCH_NIC, NO_SUCH_NETWORK, INVALID_VALUE, WRONG_STATE, BUSY, ENGINE_*, USAGE when nothing is given
 */
export async function setNic(
  host: Host,
  reference: string,
  index: number,
  body: SetNic,
): Promise<MachineNic> {
  if (Object.keys(body).length === 0) {
    throw new KameError('USAGE', 'Nothing is given that the adapter is to have.', {
      next: 'Give a network, the state of the cable, or limits of its traffic.',
    });
  }
  return await changeNics(host, reference, async (bundle, machine) => {
    const before = chosenNic(bundle, index);
    const after = await wanted(host, bundle, before, body, machine);
    if (machine) await setLive(host, bundle, machine, before, after);
    else {
      const others = contentOf(bundle).model.nics.filter((nic) => nic.index !== index);
      await writeNics(bundle, [...others, after]);
    }
    await emitChange(host, bundle, `The network adapter ${index} of ${bundle.name} was changed.`);
    return await describeNow(host, bundle.names.vmx, index);
  });
}
