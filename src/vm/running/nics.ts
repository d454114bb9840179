import { KameError, messageOf } from '../../core/errors.ts';
import type { MachineModel, Nic } from '../../model/machine.ts';
import { networkPort } from '../../model/network-port.ts';
import { refuseProblems } from '../../model/problem.ts';
import { validateModel } from '../../model/validate.ts';
import { applyModel } from '../../model/write.ts';
import { nicDeleted, nicsIn, removeBackend } from '../../qemu/live-nics.ts';
import { netSocketIn } from '../../qemu/plan/sockets.ts';
import { appendLog, contentOf, writeVmx, type Bundle } from '../../store/bundle.ts';
import { hostOs } from '../engine/engine.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { changeRecord } from './record.ts';

/**
 * A machine with other adapters. Problems that it had before do not matter.
 * @throws KameError INVALID_VALUE naming the key
 */
export function withNics(model: MachineModel, nics: readonly Nic[]): MachineModel {
  const after: MachineModel = { ...model, nics: [...nics].sort((a, b) => a.index - b.index) };
  const before = new Set(validateModel(model).map(({ message }) => message));
  refuseProblems(validateModel(after).filter(({ message }) => !before.has(message)));
  return after;
}

/** Writes other adapters into a `.vmx`. @throws KameError INVALID_VALUE, DISK_FULL, FILE_ACCESS */
export async function writeNics(bundle: Bundle, nics: readonly Nic[]): Promise<void> {
  const { document, model } = contentOf(bundle);
  await writeVmx(bundle.names.vmx, applyModel(document, model, withNics(model, nics)));
}

/** Records an adapter that listens for a switch, in place of the one of that number. */
export async function recordNic(machine: Running, nic: Nic): Promise<void> {
  const socket = netSocketIn(machine.run.directory, nic.index, hostOs());
  const others = machine.record.networks.filter(({ index }) => index !== nic.index);
  const networks = [...others, networkPort(nic, socket)].sort((a, b) => a.index - b.index);
  await changeRecord(machine, { networks });
}

/** Forgets an adapter that the engine of a running machine does not have any more. The caller holds the machine. */
export async function forgetNic(host: Host, machine: Running, gone: number): Promise<void> {
  await removeBackend(machine.engine, gone);
  const bundle = await host.bundles.read(machine.names.vmx);
  const { nics } = contentOf(bundle).model;
  if (nics.some(({ index }) => index === gone))
    await writeNics(
      bundle,
      nics.filter(({ index }) => index !== gone),
    );
  const networks = machine.record.networks.filter(({ index }) => index !== gone);
  await changeRecord(machine, { networks });
  await host.networks.machineChanged(machine);
  await appendLog(machine.names, `The guest let go of the network adapter ethernet${gone}.`);
}

/**
 * Forgets the adapters that the guest of a running machine has let go of while nobody waited for it: too late for the
 * command that asked it to, or while no daemon ran. The caller holds the machine.
 */
export async function agreeNics(host: Host, machine: Running): Promise<void> {
  for (const index of await goneNics(machine)) await forgetNic(host, machine, index);
}

/** The recorded adapters that the engine does not have. */
async function goneNics(machine: Running): Promise<readonly number[]> {
  const recorded = machine.record.networks.map(({ index }) => index);
  if (recorded.length === 0) return [];
  const present = await nicsIn(machine.engine);
  return recorded.filter((index) => !present.has(index));
}

/**
 * Holds the machine as soon as nothing else does, if there is anything to forget: usually the command that has removed the
 * adapter did, and the next one must not find the machine held.
 */
async function agreeWhenFree(host: Host, machine: Running): Promise<void> {
  const { vmx } = machine.names;
  for (;;) {
    await host.operations.whenFree(vmx);
    if (host.running.get(vmx) !== machine) return;
    if ((await goneNics(machine)).length === 0) return;
    try {
      const request = { verb: 'change', needs: 'running' } as const;
      await hold(host, vmx, request, async () => await agreeNics(host, machine));
      return;
    } catch (error) {
      if (!(error instanceof KameError) || error.code !== 'BUSY') throw error;
    }
  }
}

/** Follows a machine whose guest lets go of an adapter. */
export function watchNics(host: Host, machine: Running): void {
  machine.engine.on('DEVICE_DELETED', (event) => {
    if (nicDeleted(event) === undefined) return;
    void agreeWhenFree(host, machine).catch((error: unknown) => {
      host.log('Could not forget an adapter', { machine: machine.name, reason: messageOf(error) });
    });
  });
}
