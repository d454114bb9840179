import type { DiskInfo, Machine, MachineDetails } from '../../api/machine.ts';
import type { Disk, MachineSpec, StorageSlot } from '../../model/machine.ts';
import { readChain } from '../../disk/chain.ts';
import { layerDirectories } from '../layers/chains.ts';
import { slotName } from '../../qemu/plan/controllers.ts';
import { socketsIn } from '../../qemu/plan/sockets.ts';
import type { MachineFile } from '../../store/bundle.ts';
import { resolveIn } from '../../store/names.ts';
import { lockHolder } from '../../sys/lock.ts';
import { findMachine, machineFiles } from '../host/find.ts';
import { hostOs } from '../engine/engine.ts';
import type { Host } from '../host/host.ts';
import { stateOf } from '../host/state.ts';

/** A machine in short, as `kame list` shows it. */
export async function summary(host: Host, file: MachineFile): Promise<Machine> {
  const running = host.running.get(file.names.vmx);
  const spec = file.content?.spec;
  // An engine that no daemon of ours could adopt: stuck, or of another home. It runs all the same.
  const held = !running && (await lockHolder(file.names.lock))?.purpose === 'qemu';
  return {
    name: file.name,
    id: spec?.uuid ?? '',
    path: file.names.vmx,
    state: held ? 'running' : stateOf(host, file),
    arch: spec?.arch ?? null,
    accelerator: running?.record.accelerator ?? null,
    cpus: spec?.cpus ?? 0,
    memoryBytes: (spec?.memoryMiB ?? 0) * 1024 * 1024,
    ip: running?.ip ?? null,
    agent: running?.agentAnswers ?? false,
  };
}

/** All machines, by name. */
export async function list(host: Host): Promise<Machine[]> {
  const files = await machineFiles(host);
  return await Promise.all(files.map(async (file) => await summary(host, file)));
}

function deviceOf(spec: MachineSpec, slot: StorageSlot): string {
  const controller = spec.controllers.find((each) => each.bus === slot.bus && each.index === slot.controller);
  return controller?.model ?? slot.bus;
}

async function describeDisk(
  { names }: MachineFile,
  spec: MachineSpec,
  disk: Disk,
  inside: readonly string[],
): Promise<DiskInfo> {
  const path = resolveIn(names, disk.fileName);
  const base = { slot: slotName(disk), device: deviceOf(spec, disk), path };
  try {
    const { format, virtualSize, allocatedBytes } = await readChain(path, { inside, tables: false });
    return { ...base, format, sizeBytes: virtualSize, allocatedBytes };
  } catch {
    // The start says what is wrong with it; the description goes on without.
    return { ...base, format: null, sizeBytes: null, allocatedBytes: null };
  }
}

function firmwareOf(spec: MachineSpec): string {
  return spec.kame.directBoot ? 'direct' : spec.firmware.kind;
}

/** All that is known of one machine. @throws KameError NO_SUCH_MACHINE */
export async function show(host: Host, reference: string): Promise<MachineDetails> {
  return await describe(host, await findMachine(host, reference));
}

export async function describe(host: Host, file: MachineFile): Promise<MachineDetails> {
  const { names } = file;
  const spec = file.content?.spec;
  const inside = await layerDirectories(host, file).catch(() => [names.directory]);
  return {
    ...(await summary(host, file)),
    annotation: spec?.annotation ?? '',
    guestOS: spec?.guestOS ?? '',
    firmware: spec ? firmwareOf(spec) : '',
    machineType: spec?.kame.machineType ?? null,
    disks: spec
      ? await Promise.all(spec.disks.map(async (disk) => await describeDisk(file, spec, disk, inside)))
      : [],
    cdroms: (spec?.cdroms ?? []).map((cdrom) => ({
      slot: slotName(cdrom),
      path: cdrom.fileName === null ? null : resolveIn(names, cdrom.fileName),
    })),
    nics: (spec?.nics ?? []).map(({ index, model, connection, mac }) => ({
      device: `ethernet${index}`,
      model,
      connection,
      mac,
    })),
    image: spec?.kame.image ?? null,
    log: names.log,
    problems: [...problemsOf(file), ...troubleOf(host, file)],
    ...runtimeOf(host, file),
  };
}

function problemsOf(file: MachineFile): MachineDetails['problems'] {
  const known = file.problems.map(({ severity, key, message }) => ({ severity, key, message }));
  const unsaid = file.broken !== null && !known.some(({ message }) => message === file.broken);
  return unsaid ? [{ severity: 'error', key: '', message: file.broken ?? '' }, ...known] : known;
}

function troubleOf(host: Host, file: MachineFile): MachineDetails['problems'] {
  const message = host.running.get(file.names.vmx)?.trouble;
  return typeof message === 'string' ? [{ severity: 'warning', key: '', message }] : [];
}

type Runtime = Pick<
  MachineDetails,
  'acceleratorReason' | 'engineVersion' | 'pid' | 'startedAt' | 'timings' | 'sockets'
>;

function runtimeOf(host: Host, file: MachineFile): Runtime {
  const running = host.running.get(file.names.vmx);
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
    pid: running.engine.identity.pid,
    startedAt: record.startedAt,
    timings: record.timings,
    sockets: { monitor: sockets.qmp2, serial: sockets.serial, vnc: sockets.vnc },
  };
}
