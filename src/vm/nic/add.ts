import type { AddNic, MachineNic } from '../../api/nic.ts';
import { KameError } from '../../core/errors.ts';
import { suggest } from '../../core/suggest.ts';
import { newNic } from '../../model/defaults.ts';
import { hotplugPorts, maxNics, nicModels } from '../../model/devices.ts';
import { unnamedDevices } from '../../model/guest-os.ts';
import type { MachineModel, Nic, NicModel } from '../../model/machine.ts';
import { networkText } from '../../model/network.ts';
import { shown } from '../../model/problem.ts';
import { listOf } from '../../model/reading.ts';
import { generatedMac, normalizeMac } from '../../model/uuid.ts';
import { plugNic } from '../../qemu/live-nics.ts';
import { familyOf } from '../../qemu/plan/machine-type.ts';
import { netdevOf } from '../../qemu/plan/netdevs.ts';
import { hasPorts, nicDevice } from '../../qemu/plan/nics.ts';
import { nicPlace } from '../../qemu/plan/pci.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { engineFor, hostOs } from '../engine/engine.ts';
import { allBundles } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { recordNic, withNics, writeNics } from '../running/nics.ts';
import {
  changeNics,
  checkedNetwork,
  emitChange,
  journaled,
  refusedLive,
  requirePorts,
} from './change-nic.ts';
import { describeNow } from './list.ts';

function modelNamed(text: string): NicModel {
  const found = nicModels.find((model) => model === text.trim().toLowerCase());
  if (found) return found;
  const meant = suggest(text, nicModels);
  throw new KameError('INVALID_VALUE', `model is "${shown(text)}"; it must be ${listOf(nicModels)}.`, {
    ...(meant === undefined ? {} : { next: `Did you mean ${meant}?` }),
  });
}

function macNamed(text: string): string {
  const mac = normalizeMac(text.trim());
  if (mac !== undefined) return mac;
  throw new KameError(
    'INVALID_VALUE',
    `mac is "${shown(text)}"; it must be six hex pairs such as 00:50:56:12:34:56.`,
  );
}

/** A running machine must not get an address that another one has. */
async function refuseTakenMac(host: Host, bundle: Bundle, mac: string): Promise<void> {
  for (const other of await allBundles(host)) {
    if (other.names.vmx === bundle.names.vmx || !host.running.get(other.names.vmx)) continue;
    if (!other.content?.model.nics.some((nic) => nic.mac === mac)) continue;
    throw new KameError('WRONG_STATE', `${other.name} has the MAC address ${mac}, and is running.`, {
      next: 'Choose another address, or none: then Kame makes one from the UUID of the machine.',
      details: { machine: bundle.name, other: other.name },
    });
  }
}

function freeNumber(bundle: Bundle, nics: readonly Nic[]): number {
  for (let index = 0; index < maxNics; index += 1) if (!nics.some((nic) => nic.index === index)) return index;
  throw new KameError(
    'INVALID_VALUE',
    `${bundle.name} has ${maxNics} network adapters, the most there can be.`,
    {
      next: `kame nic remove ${bundle.name} N removes one.`,
    },
  );
}

/** A free port for an adapter of a running machine; none if its bus takes adapters itself. */
function portFor(bundle: Bundle, nics: readonly Nic[], machine: Running): { port?: number } {
  const family = familyOf(machine.record.machineType);
  if (family !== undefined && !hasPorts(family)) return {};
  for (let port = 0; port < hotplugPorts; port += 1)
    if (!nics.some((nic) => nic.port === port)) return { port };
  throw refusedLive(bundle, `all ${hotplugPorts} ports for adapters are in use`);
}

async function plug(
  host: Host,
  bundle: Bundle,
  machine: Running,
  nic: Nic,
  signal: AbortSignal,
): Promise<void> {
  const { model } = contentOf(bundle);
  const family = familyOf(machine.record.machineType);
  if (family === undefined) throw refusedLive(bundle, `${machine.record.machineType} is not known`);
  const capabilities = await engineFor(host, model.arch, { signal });
  const facts = { capabilities, os: hostOs(), run: machine.run.directory };
  const netdev = netdevOf(nic, machine.record.hardware, facts);
  if (netdev.type !== 'stream') throw refusedLive(bundle, 'an adapter gets a bridged network when it starts');
  const device = nicDevice(nic, model, family, capabilities);
  await journaled(host, bundle, { kind: 'nic', change: 'add', index: nic.index, nic }, async () => {
    await plugNic(machine.engine, netdev, device);
    await writeNics(bundle, [...model.nics, nic]);
    await recordNic(machine, nic);
  });
  await host.networks.machineChanged(machine);
}

/** The adapter as it is asked for, without its place in a running machine. */
function requested(model: MachineModel, index: number, body: AddNic): Nic {
  const mac = body.mac === undefined ? generatedMac(model.uuid, index) : macNamed(body.mac);
  return newNic({
    index,
    model: body.model === undefined ? usualModel(model) : modelNamed(body.model),
    mac,
    macType: body.mac === undefined ? 'generated' : 'static',
  });
}

/** The model of the first adapter, for which the guest has a driver; otherwise that of the guest system. */
function usualModel({ nics, guestOS }: MachineModel): NicModel {
  return nics[0]?.model ?? unnamedDevices(guestOS).nic;
}

/**
 * Adds a network adapter to a stopped machine, or plugs it into a running one.
 * @throws KameError INVALID_VALUE, NO_SUCH_NETWORK, WRONG_STATE, BUSY, ENGINE_*
 */
export async function addNic(
  host: Host,
  reference: string,
  body: AddNic,
  signal: AbortSignal,
): Promise<MachineNic> {
  return await changeNics(host, reference, async (bundle, machine) => {
    const { model } = contentOf(bundle);
    if (machine) requirePorts(bundle, machine);
    const network = await checkedNetwork(host, bundle, body.network, machine);
    const index = freeNumber(bundle, model.nics);
    const place = machine ? portFor(bundle, model.nics, machine) : {};
    if (place.port === undefined) nicPlace(index);
    const nic: Nic = { ...requested(model, index, body), ...network, ...place };
    // Before anything is plugged in.
    withNics(model, [...model.nics, nic]);
    if (machine) {
      await refuseTakenMac(host, bundle, nic.mac);
      await plug(host, bundle, machine, nic, signal);
    } else await writeNics(bundle, [...model.nics, nic]);
    const where = networkText(nic);
    await emitChange(host, bundle, `The network adapter ${index} was added to ${bundle.name}, on ${where}.`);
    return await describeNow(host, bundle.names.vmx, index);
  });
}
