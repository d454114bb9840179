import type { DiskInfo, Machine, MachineDetails } from '../../api/machine.ts';
import { readChain } from '../../disk/chain.ts';
import type { Disk, MachineModel, StorageSlot } from '../../model/machine.ts';
import { slotName } from '../../model/slots.ts';
import { socketsIn } from '../../qemu/plan/sockets.ts';
import type { Bundle } from '../../store/bundle.ts';
import { resolveIn } from '../../store/names.ts';
import { hostOs } from '../engine/engine.ts';
import { findBundle, allBundles } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import { foreignHolder, presentState } from '../host/state.ts';
import { layerDirectories } from '../layers/chains.ts';

/** A machine as `kame list` shows it. */
export async function summary(host: Host, bundle: Bundle): Promise<Machine> {
  const running = host.running.get(bundle.names.vmx);
  const model = bundle.content?.model;
  return {
    name: bundle.name,
    id: model?.uuid ?? '',
    path: bundle.names.vmx,
    state: await presentState(host, bundle),
    arch: model?.arch ?? null,
    accelerator: running?.record.accelerator ?? null,
    cpus: model?.cpus ?? 0,
    memoryBytes: (model?.memoryMiB ?? 0) * 1024 * 1024,
    ip: running?.ip ?? null,
    agent: running?.agentAnswers ?? false,
  };
}

/** All machines, sorted by name. */
export async function list(host: Host): Promise<Machine[]> {
  const bundles = await allBundles(host);
  return await Promise.all(bundles.map(async (bundle) => await summary(host, bundle)));
}

function deviceOf(model: MachineModel, slot: StorageSlot): string {
  const controller = model.controllers.find(
    (each) => each.bus === slot.bus && each.index === slot.controller,
  );
  return controller?.model ?? slot.bus;
}

async function diskInfo(
  { names }: Bundle,
  model: MachineModel,
  disk: Disk,
  inside: readonly string[],
): Promise<DiskInfo> {
  const path = resolveIn(names, disk.fileName);
  const base = { slot: slotName(disk), device: deviceOf(model, disk), path };
  try {
    const { format, virtualSize, allocatedBytes } = await readChain(path, { inside, tables: false });
    return { ...base, format, sizeBytes: virtualSize, allocatedBytes };
  } catch {
    // The start reports the problem.
    return { ...base, format: null, sizeBytes: null, allocatedBytes: null };
  }
}

function firmwareOf(model: MachineModel): string {
  return model.kame.directBoot ? 'direct' : model.firmware.kind;
}

/** The details of a machine. @throws KameError NO_SUCH_MACHINE */
export async function show(host: Host, reference: string): Promise<MachineDetails> {
  return await describe(host, await findBundle(host, reference));
}

export async function describe(host: Host, bundle: Bundle): Promise<MachineDetails> {
  const { names } = bundle;
  const model = bundle.content?.model;
  const inside = await layerDirectories(host, bundle).catch(() => [names.directory]);
  return {
    ...(await summary(host, bundle)),
    annotation: model?.annotation ?? '',
    guestOS: model?.guestOS ?? '',
    firmware: model ? firmwareOf(model) : '',
    machineType: model?.kame.machineType ?? null,
    disks: model
      ? await Promise.all(model.disks.map(async (disk) => await diskInfo(bundle, model, disk, inside)))
      : [],
    cdroms: (model?.cdroms ?? []).map((cdrom) => ({
      slot: slotName(cdrom),
      path: cdrom.fileName === null ? null : resolveIn(names, cdrom.fileName),
    })),
    nics: (model?.nics ?? []).map(({ index, model, connection, mac }) => ({
      device: `ethernet${index}`,
      model,
      connection,
      mac,
    })),
    image: model?.kame.image ?? null,
    log: names.log,
    problems: [...problemsOf(bundle), ...(await troubleOf(host, bundle))],
    ...runtimeOf(host, bundle),
  };
}

function problemsOf(bundle: Bundle): MachineDetails['problems'] {
  const known = bundle.problems.map(({ severity, key, message }) => ({ severity, key, message }));
  const isMissing = bundle.broken !== null && !known.some(({ message }) => message === bundle.broken);
  return isMissing ? [{ severity: 'error', key: '', message: bundle.broken ?? '' }, ...known] : known;
}

/** Why a machine that runs needs attention. */
async function troubleOf(host: Host, bundle: Bundle): Promise<MachineDetails['problems']> {
  const { name, names } = bundle;
  const holder = await foreignHolder(host, bundle);
  const reason = host.unreachable.get(names.vmx) ?? 'Another Kame has started it.';
  const message = holder
    ? `Process ${holder.pid} (${holder.purpose}) uses this machine, and cannot be reached: ${reason} kame stop ${name} --hard ends an engine of this home.`
    : host.running.get(names.vmx)?.trouble;
  return typeof message === 'string' ? [{ severity: 'warning', key: '', message }] : [];
}

type Runtime = Pick<
  MachineDetails,
  'acceleratorReason' | 'engineVersion' | 'pid' | 'startedAt' | 'timings' | 'sockets'
>;

function runtimeOf(host: Host, bundle: Bundle): Runtime {
  const running = host.running.get(bundle.names.vmx);
  if (!running) {
    return {
      acceleratorReason: null,
      engineVersion: null,
      pid: null,
      startedAt: null,
      timings: null,
      sockets: null,
    };
  }
  const { record, run } = running;
  const sockets = socketsIn(run.directory, hostOs());
  return {
    acceleratorReason: record.acceleratorReason,
    engineVersion: record.engineVersion,
    pid: running.engine.process.pid,
    startedAt: record.startedAt,
    timings: record.timings,
    sockets: { monitor: sockets.qmp2, serial: sockets.serial, vnc: sockets.vnc },
  };
}
